// The licences of what is installed with the gateway: its packages, found as Node.js finds them; what the dashboard was built
// from, as its build wrote it down; and files that are no packages.

import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Licence } from '#domain/licence.ts'
import { PACKAGE_ROOT } from './version.ts'

const NO_PACKAGES: readonly Licence[] = [
  { name: 'B612, font of the dashboard', version: '', license: 'OFL-1.1' },
  { name: 'sparkplug_b.proto', version: '3.0', license: 'EPL-2.0' },
]

interface Manifest {
  readonly name?: unknown
  readonly version?: unknown
  readonly license?: unknown
  readonly licenses?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Sorted by name and version, each once. `root`: of an installation; `dashboardDir`: null without a dashboard. */
export async function installedLicences(
  dashboardDir: string | null,
  root: string = PACKAGE_ROOT,
): Promise<readonly Licence[]> {
  const found = new Map<string, Licence>()
  const add = (licence: Licence): void => void found.set(`${licence.name} ${licence.version}`, licence)
  const seen = new Set<string>()
  const queue = [root]
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    if (seen.has(folder)) continue
    seen.add(folder)
    const manifest = await manifestOf(folder)
    if (manifest === null) continue
    if (folder !== root) add(licenceOf(manifest))
    const { dependencies, optionalDependencies, peerDependencies } = manifest
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const dependency = await resolved(name, folder, root)
      if (dependency !== null) queue.push(dependency)
    }
  }
  for (const licence of [...NO_PACKAGES, ...(await bundled(dashboardDir))]) add(licence)
  return [...found.values()].toSorted(
    (a, b) => a.name.localeCompare(b.name, 'en') || a.version.localeCompare(b.version),
  )
}

/** The folder where `name` is found from `folder`; null: it is not installed, as those of other machines are not. */
async function resolved(name: string, folder: string, root: string): Promise<string | null> {
  for (let at = folder; at.length >= root.length - 1; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    if (
      await stat(candidate).then(
        (found) => found.isDirectory(),
        () => false,
      )
    )
      return candidate
  }
  return null
}

async function manifestOf(folder: string): Promise<Manifest | null> {
  return parsed(join(folder, 'package.json')) as Promise<Manifest | null>
}

function licenceOf({ name, version, license, licenses }: Manifest): Licence {
  return { name: String(name), version: String(version), license: words(license ?? licenses) }
}

/** Old packages have an object, or several. */
function words(license: unknown): string {
  if (typeof license === 'string') return license
  if (Array.isArray(license)) return license.map(words).join(' OR ')
  if (typeof license === 'object' && license !== null && 'type' in license) return words(license.type)
  return 'not stated'
}

async function bundled(dashboardDir: string | null): Promise<readonly Licence[]> {
  if (dashboardDir === null) return []
  const list: unknown = await parsed(join(dashboardDir, 'licences.json'))
  return Array.isArray(list) ? list.map((manifest: Manifest) => licenceOf(manifest)) : []
}

async function parsed(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return null
  }
}
