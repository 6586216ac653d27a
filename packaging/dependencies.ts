// The production packages of one architecture, from the lock file, without what never runs: sources and prebuilt modules of
// other machines, type declarations, source maps, and what their developers left in them.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Architecture } from './architectures.ts'

export interface DependenciesOptions {
  /** The clean copy, with the lock file. */
  readonly copy: string
  /** Gets `node_modules`. */
  readonly app: string
  readonly architecture: Architecture
}

const NEVER_RUN = /\.(map|d\.ts|d\.mts|d\.cts)$/
/** Folders of a package, beside its package.json, that only its developers use, as they do whatever begins with a dot. */
const OF_DEVELOPERS = new Set(['bench', 'benchmark', 'benchmarks', 'integration', 'test', 'tests'])

/** Throws when the packages cannot be had, or when one that is needed is not there afterwards. */
export function dependenciesOf({ copy, app, architecture }: DependenciesOptions): void {
  const folder = `${app}-modules`
  mkdirSync(folder)
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    if (existsSync(join(copy, name))) cpSync(join(copy, name), join(folder, name))
  }
  // No package of ours needs its install script: the native ones bring prebuilt modules along.
  const machine = ['--os=linux', `--cpu=${architecture.node}`, '--libc=glibc']
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline']
  execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts', ...machine, ...quiet], { cwd: folder, stdio: 'inherit' })
  const modules = join(folder, 'node_modules')
  prune(modules, architecture)
  renameSync(modules, join(app, 'node_modules'))
}

function prune(modules: string, { node }: Architecture): void {
  const runtime = join(modules, `node-linux-${node}`)
  for (const name of ['include', 'share', 'CHANGELOG.md']) rmSync(join(runtime, name), { recursive: true, force: true })
  for (const name of ['deps', 'src']) rmSync(join(modules, 'better-sqlite3', name), { recursive: true, force: true })
  keepOnly(join(modules, 'better-sqlite3', 'prebuilds'), `linux-${node}.node`)
  const serial = join(modules, '@serialport', 'bindings-cpp')
  rmSync(join(serial, 'src'), { recursive: true, force: true })
  keepOnly(join(serial, 'prebuilds'), `linux-${node}`)
  for (const name of readdirSync(join(serial, 'prebuilds', `linux-${node}`)))
    if (name.includes('musl')) rmSync(join(serial, 'prebuilds', `linux-${node}`, name)) // we need Debian's libc anyway
  pruneLeftovers(modules)
  for (const entry of readdirSync(modules, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && NEVER_RUN.test(entry.name)) rmSync(join(entry.parentPath, entry.name))
  }
}

/** What belongs to repositories and developers, in every package. */
function pruneLeftovers(modules: string): void {
  const roots = readdirSync(modules, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name === 'package.json',
  )
  for (const { parentPath } of roots) {
    if (!existsSync(parentPath)) continue // it was within another's tests
    for (const entry of readdirSync(parentPath, { withFileTypes: true })) {
      const isLeftover = entry.name.startsWith('.') || (entry.isDirectory() && OF_DEVELOPERS.has(entry.name))
      if (isLeftover) rmSync(join(parentPath, entry.name), { recursive: true })
    }
  }
}

function keepOnly(folder: string, kept: string): void {
  const names = readdirSync(folder)
  if (!names.includes(kept)) throw new Error(`${folder} has no ${kept}`)
  for (const name of names) if (name !== kept) rmSync(join(folder, name), { recursive: true })
}
