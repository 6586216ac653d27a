// `npm run package`: builds dist/telemetryx_VERSION_{amd64,arm64}.deb from what is committed.
//
//   node packaging/package.ts [--arch amd64]… [--out dist] [--commit HEAD] [--fast]
//
// The same commit gives the same bytes: times come from SOURCE_DATE_EPOCH, or else from the commit. --fast compresses less.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { dependenciesOf } from './dependencies.ts'
import { ARCHITECTURES, architectureNamed, type Architecture } from './architectures.ts'
import { buildTree, packTree } from './tree.ts'

/** A package is fetched over a plant's mobile network. */
const MAX_BYTES = 120e6

/** What runs, of what is in the repository. */
const SHIPPED = ['bin', 'config', 'drivers', 'proto', 'src', 'third-party', 'LICENSE', 'package.json']

const { values } = parseArgs({
  options: {
    arch: { type: 'string', multiple: true },
    out: { type: 'string', default: join(PACKAGE_ROOT, 'dist') },
    commit: { type: 'string', default: 'HEAD' },
    fast: { type: 'boolean', default: false },
  },
})
const architectures = values.arch?.map(architectureNamed) ?? ARCHITECTURES
const out = resolve(values.out)
const epoch = process.env['SOURCE_DATE_EPOCH'] ?? git('log', '-1', '--format=%ct', values.commit).trim()
const work = mkdtempSync(join(tmpdir(), 'telemetryx-package-'))
try {
  const copy = join(work, 'copy')
  checkOut(copy)
  buildWithPackages(copy)
  mkdirSync(out, { recursive: true })
  for (const architecture of architectures) packageFor(architecture, copy)
} finally {
  rmSync(work, { recursive: true, force: true })
}

/** A clean copy: what is committed and nothing else. */
function checkOut(copy: string): void {
  mkdirSync(copy)
  const archive = join(work, 'copy.tar')
  git('archive', '--format=tar', `--output=${archive}`, values.commit)
  execFileSync('tar', ['-xf', archive, '-C', copy])
}

/** The dashboard and the shells' completions, with the development packages of this working folder. */
function buildWithPackages(copy: string): void {
  const modules = join(copy, 'node_modules')
  symlinkSync(join(PACKAGE_ROOT, 'node_modules'), modules)
  const vite = join(modules, 'vite', 'bin', 'vite.js')
  execFileSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: copy, stdio: 'inherit' })
  mkdirSync(join(copy, 'dist', 'completion'))
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = execFileSync(process.execPath, [join(copy, 'bin', 'telemetryx'), 'completion', shell])
    writeFileSync(join(copy, 'dist', 'completion', shell), script)
  }
  rmSync(modules)
}

function packageFor(architecture: Architecture, copy: string): void {
  const app = join(work, `app-${architecture.debian}`)
  for (const name of SHIPPED) cpSync(join(copy, name), join(app, name), { recursive: true })
  rmSync(join(app, 'src', 'ui'), { recursive: true }) // only Vite reads it
  cpSync(join(copy, 'dist', 'ui'), join(app, 'dist', 'ui'), { recursive: true })
  dependenciesOf({ copy, app, architecture })
  const root = join(work, `root-${architecture.debian}`)
  const version = buildTree({ copy, app, root, architecture, epoch })
  const file = join(out, `telemetryx_${version}_${architecture.debian}.deb`)
  packTree({ root, file, epoch, isFast: values.fast })
  const { size } = statSync(file)
  process.stdout.write(`${file}  ${(size / 1e6).toFixed(1)} MB\n`)
  if (size > MAX_BYTES) throw new Error(`${file} is larger than ${MAX_BYTES / 1e6} MB`)
}

function git(...args: string[]): string {
  return execFileSync('git', ['-C', PACKAGE_ROOT, ...args], { encoding: 'utf8' })
}
