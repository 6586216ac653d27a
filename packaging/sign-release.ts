// Makes the signed manifest of a release: node packaging/sign-release.ts --key release.pem --version 0.2.0 --sequence 7 [--revoke 0.1.9]…
// [--minimum 0.1.0] [--days 90] x64=telemetryx_0.2.0_x64.tar.gz arm64=telemetryx_0.2.0_arm64.tar.gz > manifest.json

import { createHash, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { signRelease, type ReleaseFile } from '../src/update/manifest.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    key: { type: 'string' },
    version: { type: 'string' },
    sequence: { type: 'string' },
    minimum: { type: 'string', default: '0.1.0' },
    revoke: { type: 'string', multiple: true, default: [] },
    days: { type: 'string', default: '90' },
  },
})
const { key, version, sequence, minimum, revoke, days } = values
if (key === undefined || version === undefined || sequence === undefined || positionals.length === 0)
  throw new Error('--key, --version, --sequence and ARCHITECTURE=FILE are needed')
const now = Date.now()
const files = positionals.map((pair): ReleaseFile => {
  const [architecture = '', path = ''] = pair.split('=')
  if (architecture !== 'x64' && architecture !== 'arm64') throw new Error(`${pair}: write x64=FILE or arm64=FILE`)
  const content = readFileSync(path)
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { architecture, url: basename(path), size: content.length, sha256 }
})
const release = {
  format: 'telemetryx-release-1' as const,
  sequence: Number(sequence),
  version,
  publishedAt: new Date(now).toISOString(),
  expiresAt: new Date(now + Number(days) * 86_400_000).toISOString(),
  minimumVersion: minimum,
  revoked: revoke,
  files,
}
process.stdout.write(signRelease(release, createPrivateKey(readFileSync(key, 'utf8'))))
