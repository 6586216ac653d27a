// An installation with slots, a publisher of signed releases, and a real HTTP server between them. The programs are small: they know
// their version, and whether they take the configuration.

import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signRelease, type Release } from '#update/manifest.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'

const PROGRAM = `const { version, takesConfiguration } = require('../package.json')
const [command] = process.argv.slice(2)
if (command === 'check' && !takesConfiguration) { console.error('unknown key'); process.exit(78) }
console.log(version)
`

export const NOW = Date.UTC(2026, 5, 1)
const DAY_MS = 86_400_000

export class UpdateBed {
  readonly folder = mkdtempSync(join(tmpdir(), 'telemetryx-update-'))
  readonly root = join(this.folder, 'opt')
  readonly keys = generateKeyPairSync('ed25519')
  /** What the server answers by path. */
  readonly served = new Map<string, Buffer | string>()
  #server: Server | null = null
  #sequence = 0

  static async start(): Promise<UpdateBed> {
    const bed = new UpdateBed()
    mkdirSync(bed.root)
    writeProgram(join(bed.root, 'a'), '0.1.0')
    symlinkSync('a', join(bed.root, 'current'))
    copyFileSync(join(PACKAGE_ROOT, 'src/update/run.sh'), join(bed.root, 'run'))
    writeFileSync(join(bed.root, 'release.pub'), bed.keys.publicKey.export({ type: 'spki', format: 'pem' }))
    bed.#server = createServer((request, response) => {
      const content = bed.served.get(request.url ?? '')
      if (content === undefined) response.writeHead(404)
      response.end(content)
    }).listen(0, '127.0.0.1')
    await once(bed.#server, 'listening')
    return bed
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}/manifest.json`
  }

  /** Publishes a release; `more` changes what its manifest says. */
  publish(
    version: string,
    more: Partial<Release> & {
      readonly takesConfiguration?: boolean
      readonly signedBy?: KeyObject
      readonly holds?: string
    } = {},
  ): void {
    const { takesConfiguration = true, signedBy = this.keys.privateKey, holds = version, ...says } = more
    const program = mkdtempSync(join(this.folder, 'release-'))
    writeProgram(program, holds, takesConfiguration)
    const archive = execFileSync('tar', ['-cz', '-C', program, '.'])
    this.served.set(`/${version}.tar.gz`, archive)
    const sha256 = createHash('sha256').update(archive).digest('hex')
    const architecture = process.arch === 'arm64' ? 'arm64' : 'x64'
    this.#sequence += 1
    const release: Release = {
      format: 'telemetryx-release-1',
      sequence: this.#sequence,
      version,
      publishedAt: new Date(NOW).toISOString(),
      expiresAt: new Date(NOW + 30 * DAY_MS).toISOString(),
      minimumVersion: '0.1.0',
      revoked: [],
      files: [{ architecture, url: `${version}.tar.gz`, size: archive.length, sha256 }],
      ...says,
    }
    this.served.set('/manifest.json', signRelease(release, signedBy))
  }

  /** What starts now, as the machine would start it. */
  running(): string {
    return execFileSync('sh', [join(this.root, 'run'), 'version'], { encoding: 'utf8' }).trim()
  }

  /** Before each start of the service. */
  countStart(): void {
    execFileSync('sh', [join(this.root, 'run'), 'count'])
  }

  read(name: string): string {
    return readFileSync(join(this.root, name), 'utf8')
  }

  async end(): Promise<void> {
    this.#server?.close()
    this.#server?.closeAllConnections()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function writeProgram(folder: string, version: string, takesConfiguration = true): void {
  const node = join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin')
  mkdirSync(node, { recursive: true })
  symlinkSync(process.execPath, join(node, 'node'))
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ version, takesConfiguration }))
  writeFileSync(join(folder, 'bin', 'telemetryx'), PROGRAM)
  chmodSync(join(folder, 'bin', 'telemetryx'), 0o755)
  chmodSync(folder, 0o755)
}
