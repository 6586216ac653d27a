// Which packages a gateway with such a configuration loads.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PROGRAM = fileURLToPath(new URL('loaded-modules.ts', import.meta.url))

/** `yaml`: what stands below the head of a configuration. */
export async function loadedPackages(yaml: string): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-loaded-'))
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, folder, yaml])
    return JSON.parse(stdout) as string[]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
