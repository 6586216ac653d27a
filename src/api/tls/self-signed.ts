// A certificate that the gateway makes for itself: browsers warn of it once, and the line is encrypted all the same. It is kept,
// so that a browser's exception or a pinned copy stays good, and made anew only when it ends soon or the machine has another name.

import { X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { toTelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { replaceFile } from '#kit/replace-file.ts'

const DAY_MS = 86_400_000
/** As long as browsers accept from anyone (Apple HT210176: 825 days). */
const VALID_DAYS = 820
const RENEW_DAYS = 30
/** A machine's clock may stand a little behind the gateway's. */
const BACKDATE_MS = DAY_MS

export interface KeyPair {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

/** The pair in `folder`, made if there is none that serves. `names`: host names and addresses it is for. Throws STORE_IO. */
export async function selfSignedPair(folder: string, names: readonly string[], clock: Clock): Promise<KeyPair> {
  const files = { cert: join(folder, 'self-signed.crt'), key: join(folder, 'self-signed.key') }
  const kept = await readPair(files)
  if (kept !== null && serves(kept, names, clock.now())) return kept
  const made = await makePair(names, clock.now())
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await replaceFile(files.key, made.key, { mode: 0o600 })
    await replaceFile(files.cert, made.cert, { mode: 0o644 })
  } catch (error) {
    throw toTelemetryError(error, 'STORE_IO', { context: { path: folder } })
  }
  return made
}

/** Names under which this machine is reached: its own, the loopback's, and each address of its interfaces that is not link-local. */
export function ownNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  const reachable = addresses.filter(({ address }) => !address.toLowerCase().startsWith('fe80'))
  const own = hostname().toLowerCase()
  return [
    ...new Set(['localhost', own, `${own}.local`, '127.0.0.1', '::1', ...reachable.map(({ address }) => address)]),
  ]
}

async function readPair(files: KeyPair): Promise<KeyPair | null> {
  try {
    const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')])
    return { cert, key }
  } catch {
    return null
  }
}

/** Addresses come and go with the network and do not count: only the names of the machine do. */
function serves({ cert }: KeyPair, names: readonly string[], now: number): boolean {
  try {
    const certificate = new X509Certificate(cert)
    const isInTime = certificate.validFromDate.getTime() <= now
    const isLasting = certificate.validToDate.getTime() > now + RENEW_DAYS * DAY_MS
    return isInTime && isLasting && names.every((name) => isIP(name) !== 0 || certificate.checkHost(name) !== undefined)
  } catch {
    return false
  }
}

async function makePair(names: readonly string[], now: number): Promise<KeyPair> {
  // Only a gateway without a certificate of its own needs them; the library asks for the polyfill.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [names.find((name) => name !== 'localhost' && isIP(name) === 0) ?? 'localhost'] }],
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + VALID_DAYS * DAY_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
    ],
  })
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(der, 'PRIVATE KEY') }
}
