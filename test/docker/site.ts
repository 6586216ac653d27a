// The configurations of docker/site as a test can use them: with secrets and data in a folder of its own.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '#gateway/version.ts'

/** Writes the role's configuration into `folder`; answers the file. */
export function siteConfiguration(role: 'gateway' | 'brain' | 'central', folder: string, secrets: string): string {
  const text = readFileSync(join(PACKAGE_ROOT, 'docker', 'site', `${role}.yaml`), 'utf8')
  const data = join(folder, `${role}-data`)
  mkdirSync(data, { recursive: true })
  const file = join(folder, `${role}.yaml`)
  writeFileSync(file, text.replaceAll('/run/secrets', secrets).replaceAll('/var/lib/telemetryx', data))
  return file
}
