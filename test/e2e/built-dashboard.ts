// The dashboard, built for one test file into a folder of its own: test files run at the same time and must not share dist/.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Screenshots; git ignores it. */
export const RESULTS = join(ROOT, 'test-results')

export interface BuiltDashboard {
  readonly folder: string
  remove(): Promise<void>
}

export async function buildDashboard(): Promise<BuiltDashboard> {
  const folder = await mkdtemp(join(tmpdir(), 'telemetryx-ui-'))
  await build({
    root: join(ROOT, 'src/ui'),
    configFile: join(ROOT, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: folder },
  })
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
