// Builds the dashboard after `npm ci`. An installation without development packages brings a built one along instead.

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
try {
  require.resolve('vite')
} catch {
  process.stdout.write('Vite is not installed (--omit=dev): the dashboard is not built here.\n')
  process.exit(0)
}
const { build } = await import('vite')
process.chdir(root)
await build({ logLevel: 'warn' })
