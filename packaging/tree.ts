// The files of the Debian package as they will lie on the machine, and the package made of them.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import type { Architecture } from './architectures.ts'
import { gzipSync } from 'node:zlib'
import { installedConfiguration, installedRoleConfiguration, type Role } from './configuration.ts'

const CONFIGURATION = '/etc/telemetryx/gateway.yaml'
const ROLES: readonly Role[] = ['brain', 'central']
const UNITS = ['gateway', ...ROLES].map((role) => `telemetryx-${role}.service`)
/** Where each shell looks for what completes a command. */
const COMPLETIONS = [
  ['bash', 'usr/share/bash-completion/completions/telemetryx'],
  ['zsh', 'usr/share/zsh/vendor-completions/_telemetryx'],
  ['fish', 'usr/share/fish/vendor_completions.d/telemetryx.fish'],
] as const
const MAINTAINER_SCRIPTS = ['postinst', 'prerm', 'postrm']

export interface TreeOptions {
  readonly copy: string
  /** The program with its packages; moved into the tree. */
  readonly app: string
  /** Is made. */
  readonly root: string
  readonly architecture: Architecture
  /** Seconds since 1970 at which this version was made. */
  readonly epoch: string
}

/** Lays out the tree; answers of the version. */
export function buildTree({ copy, app, root, architecture, epoch }: TreeOptions): string {
  const { version } = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8')) as { version: string }
  const library = join(root, 'usr/lib/telemetryx')
  mkdirSync(join(root, 'usr/lib'), { recursive: true })
  cpSync(app, library, { recursive: true, verbatimSymlinks: true })
  rmSync(join(library, 'node_modules/.package-lock.json'), { force: true })
  const program = `#!/bin/sh\nexec /usr/lib/telemetryx/node_modules/node-linux-${architecture.node}/bin/node /usr/lib/telemetryx/bin/telemetryx "$@"\n`
  put(root, 'usr/bin/telemetryx', program, 0o755)
  const template = readFileSync(join(copy, 'config/gateway.yaml'), 'utf8')
  put(root, CONFIGURATION.slice(1), installedConfiguration(template))
  for (const role of ROLES) {
    const example = readFileSync(join(copy, `config/examples/${role}.yaml`), 'utf8')
    put(root, `etc/telemetryx/${role}.yaml`, installedRoleConfiguration(role, example))
  }
  for (const unit of UNITS) put(root, `usr/lib/systemd/system/${unit}`, readFileSync(join(copy, 'systemd', unit)))
  for (const [shell, path] of COMPLETIONS) put(root, path, readFileSync(join(copy, 'dist/completion', shell)))
  put(
    root,
    'usr/share/man/man1/telemetryx.1.gz',
    gzipSync(readFileSync(join(copy, 'packaging/telemetryx.1')), { level: 9 }),
  )
  const manuals = join(root, 'usr/share/doc/telemetryx')
  cpSync(join(copy, 'docs'), manuals, { recursive: true })
  cpSync(join(copy, 'config/examples'), join(manuals, 'examples'), { recursive: true })
  put(root, 'usr/share/doc/telemetryx/copyright', readFileSync(join(copy, 'LICENSE')))
  put(root, 'usr/share/doc/telemetryx/CHANGELOG.md', readFileSync(join(copy, 'CHANGELOG.md')))
  put(root, 'usr/share/doc/telemetryx/changelog.gz', gzipSync(changelog(copy, version, epoch), { level: 9 }))
  normalize(root)
  const secrets = ['telemetryx', ...ROLES.map((role) => `telemetryx-${role}`)].map((name) => `etc/credstore/${name}`)
  for (const folder of secrets) mkdirSync(join(root, folder), { recursive: true })
  for (const folder of ['etc/credstore', ...secrets]) chmodSync(join(root, folder), 0o700)
  control(copy, root, version, architecture)
  return version
}

function control(copy: string, root: string, version: string, { debian }: Architecture): void {
  const kibibytes = Math.ceil(walk(root).reduce((sum, path) => sum + lstatSync(path).size, 0) / 1024)
  const template = readFileSync(join(copy, 'packaging/debian/control'), 'utf8')
  const filled = template.replace('@VERSION@', version).replace('@ARCHITECTURE@', debian)
  put(root, 'DEBIAN/control', filled.replace('@SIZE@', String(kibibytes)))
  chmodSync(join(root, 'DEBIAN'), 0o755)
  const configurations = [CONFIGURATION, ...ROLES.map((role) => `/etc/telemetryx/${role}.yaml`)]
  put(root, 'DEBIAN/conffiles', configurations.map((path) => `${path}\n`).join(''))
  for (const name of MAINTAINER_SCRIPTS) {
    put(root, `DEBIAN/${name}`, readFileSync(join(copy, 'packaging/debian', name)), 0o755)
  }
}

/** In the form of Debian Policy 4.4: one entry, which says where the changes are told. */
function changelog(copy: string, version: string, epoch: string): string {
  const [, maintainer = ''] =
    /^Maintainer: (.*)$/m.exec(readFileSync(join(copy, 'packaging/debian/control'), 'utf8')) ?? []
  const date = new Date(Number(epoch) * 1000).toUTCString().replace('GMT', '+0000')
  const told = 'See /usr/share/doc/telemetryx/CHANGELOG.md.'
  return `telemetryx (${version}) unstable; urgency=medium\n\n  * ${told}\n\n -- ${maintainer}  ${date}\n`
}

/** Permissions that do not depend on the builder's umask. */
function normalize(root: string): void {
  chmodSync(root, 0o755)
  for (const path of walk(root)) {
    const state = lstatSync(path)
    if (state.isDirectory()) chmodSync(path, 0o755)
    else if (state.isFile()) chmodSync(path, (state.mode & 0o100) !== 0 && isProgram(path) ? 0o755 : 0o644)
  }
}

/** A script or an ELF file: packages come with licences that are marked as executable. */
function isProgram(path: string): boolean {
  const head = Buffer.alloc(4)
  const file = openSync(path, 'r')
  readSync(file, head, 0, head.length, 0)
  closeSync(file)
  return head.toString('latin1').startsWith('#!') || head.toString('latin1') === '\x7fELF'
}

export interface PackOptions {
  readonly root: string
  readonly file: string
  /** Seconds since 1970 of everything in the package. */
  readonly epoch: string
  readonly isFast: boolean
}

export function packTree({ root, file, epoch, isFast }: PackOptions): void {
  for (const path of [root, ...walk(root)]) lutimesSync(path, Number(epoch), Number(epoch))
  const compression = isFast ? ['-Zgzip', '-z1'] : ['-Zxz', '-z6']
  execFileSync('dpkg-deb', [...compression, '--root-owner-group', '--build', root, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: epoch },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

function put(root: string, path: string, content: string | Uint8Array, mode = 0o644): void {
  const file = join(root, path)
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o755 })
  writeFileSync(file, content)
  chmodSync(file, mode)
}

function walk(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true })
  return entries.map((entry) => join(root, relative(root, entry.parentPath), entry.name))
}
