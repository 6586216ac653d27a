// The version of this installation, from its package.json.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Root folder of the installation. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Semantic version, for example `0.1.0`. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(`${PACKAGE_ROOT}package.json`, 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version)
  return 'unknown'
}
