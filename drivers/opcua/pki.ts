// The folder of certificates: the gateway's own one, made on the first use, and those of the servers that it trusts.
//
//   own/certificate.pem · own/key.pem (0600)         trusted/*.pem, *.der: certificates of servers, or of their authorities
//
// A server is trusted when its own certificate lies in trusted/, or that of an authority that has signed it.

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { chown, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { TelemetryError } from '#domain/errors.ts'
import type { Library } from './library.ts'

const KEY_BITS = 2048 // every policy that this driver knows accepts it. OPC UA Part 7 §6.6
const VALIDITY_DAYS = 3650
const MAX_TRUSTED_FILES = 1000

/** The certificate and key by which this gateway introduces itself. */
export interface ApplicationIdentity {
  readonly certificate: Buffer
  readonly key: KeyObject
  /** As the certificate says; servers compare. */
  readonly applicationUri: string
}

export type Verdict =
  | { readonly isTrusted: true }
  /** `reason` completes "the certificate of the server …". */
  | { readonly isTrusted: false; readonly reason: 'is not trusted' | 'is not for this host' }

/** What a connection needs of certificates. */
export interface Certificates {
  /** Of the gateway that they belong to, for `telemetryx trust --data`; null: of none. */
  readonly dataDir: string | null
  identity(library: Library): Promise<ApplicationIdentity>
  verdict(chain: readonly X509Certificate[], host: string): Promise<Verdict>
}

export class Pki implements Certificates {
  readonly folder: string
  #identity: Promise<ApplicationIdentity> | null = null

  constructor(folder: string) {
    this.folder = folder
  }

  get dataDir(): string {
    return dirname(this.folder)
  }

  /** The gateway's own certificate; made when there is none yet. Throws STORE_IO. */
  identity(library: Library): Promise<ApplicationIdentity> {
    this.#identity ??= this.#loadOrMake(library).catch((error: unknown) => {
      this.#identity = null
      throw ioError(error, this.folder)
    })
    return this.#identity
  }

  /** Whether a server with this certificate chain (its own first) is trusted. Throws STORE_IO. */
  async verdict(chain: readonly X509Certificate[], host: string): Promise<Verdict> {
    const trusted = await this.#trusted()
    const leaf = chain[0]!
    if (trusted.some((certificate) => certificate.fingerprint256 === leaf.fingerprint256)) return { isTrusted: true }
    if (!isSignedByAny(chain, trusted)) return { isTrusted: false, reason: 'is not trusted' }
    // Trusted by its authority only: then it must be the server that was asked for. OPC UA Part 4 §6.1.3
    const address = host.replace(/^\[(.*)\]$/, '$1') // IPv6 stands in brackets in a URL
    const isForHost = (isIP(address) === 0 ? leaf.checkHost(address) : leaf.checkIP(address)) !== undefined
    return isForHost ? { isTrusted: true } : { isTrusted: false, reason: 'is not for this host' }
  }

  /** Trusts the server of this certificate from now on; returns the file. Throws STORE_IO. */
  async trust(certificate: X509Certificate): Promise<string> {
    const file = join(this.folder, 'trusted', `${fingerprintOf(certificate).replaceAll(':', '').slice(0, 40)}.pem`)
    try {
      await mkdir(join(this.folder, 'trusted'), { recursive: true, mode: 0o755 })
      await writeWhole(file, certificate.toString(), 0o644)
      await giveToOwnerOf(dirname(this.folder), [this.folder, dirname(file), file])
    } catch (error) {
      throw ioError(error, file)
    }
    return file
  }

  async #trusted(): Promise<readonly X509Certificate[]> {
    const folder = join(this.folder, 'trusted')
    const names = await readdir(folder).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw ioError(error, folder)
    })
    const certificates: X509Certificate[] = []
    for (const name of names.toSorted((a, b) => a.localeCompare(b)).slice(0, MAX_TRUSTED_FILES)) {
      if (!/\.(pem|der|crt|cer)$/i.test(name)) continue
      const bytes = await readFile(join(folder, name)).catch((error: unknown) => {
        throw ioError(error, join(folder, name))
      })
      const certificate = parseCertificate(bytes)
      if (certificate !== null) certificates.push(certificate)
    }
    return certificates
  }

  async #loadOrMake(library: Library): Promise<ApplicationIdentity> {
    const own = join(this.folder, 'own')
    const [certificatePem, keyPem] = await Promise.all(
      ['certificate.pem', 'key.pem'].map((name) => readFile(join(own, name), 'utf8').catch(nullIfMissing)),
    )
    if (certificatePem && keyPem) return identityOf(certificatePem, keyPem)
    const made = await makeSelfSigned(library)
    await mkdir(own, { recursive: true, mode: 0o700 })
    await writeWhole(join(own, 'key.pem'), made.keyPem, 0o600)
    await writeWhole(join(own, 'certificate.pem'), made.certificatePem, 0o644)
    return identityOf(made.certificatePem, made.keyPem)
  }
}

/** A certificate from PEM or DER; null when it is none. */
export function parseCertificate(bytes: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(bytes)
  } catch {
    return null
  }
}

/** SHA-256, as people compare it: `AB:CD:…`. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256
}

/** An identity for one question to a server, never written to the disk. */
export async function passingIdentity(library: Library): Promise<ApplicationIdentity> {
  const { certificatePem, keyPem } = await makeSelfSigned(library)
  return identityOf(certificatePem, keyPem)
}

async function makeSelfSigned({ crypto_utils }: Library): Promise<{ certificatePem: string; keyPem: string }> {
  const { privateKey } = await crypto_utils.generateKeyPair(KEY_BITS)
  const { privPem: keyPem } = await crypto_utils.privateKeyToPEM(privateKey)
  const host = hostname()
  const { cert: certificatePem } = await crypto_utils.createSelfSignedCertificate({
    privateKey,
    notBefore: new Date(Date.now() - 86_400_000), // a server's clock may be a little behind
    validity: VALIDITY_DAYS,
    subject: 'CN=TelemetryX Edge',
    dns: [host],
    applicationUri: `urn:${host}:telemetryx-edge`,
    purpose: crypto_utils.CertificatePurpose.ForApplication,
  })
  return { certificatePem, keyPem }
}

function identityOf(certificatePem: string, keyPem: string): ApplicationIdentity {
  const certificate = new X509Certificate(certificatePem)
  const key = createPrivateKey(keyPem)
  if (!certificate.checkPrivateKey(key)) {
    throw new TelemetryError('CONFIG_INVALID', 'own/certificate.pem and own/key.pem do not belong together')
  }
  const uri = /URI:([^,\s]+)/.exec(certificate.subjectAltName ?? '')?.[1]
  if (uri === undefined) {
    throw new TelemetryError('CONFIG_INVALID', 'own/certificate.pem names no application (URI in subjectAltName)')
  }
  return { certificate: certificate.raw, key, applicationUri: uri }
}

/** Follows the chain upwards: each certificate signed by the next, one of them by a trusted authority. */
function isSignedByAny(chain: readonly X509Certificate[], trusted: readonly X509Certificate[]): boolean {
  const authorities = trusted.filter((certificate) => certificate.ca)
  for (const [depth, certificate] of chain.entries()) {
    if (authorities.some((authority) => isSignedBy(certificate, authority))) return true
    const next = chain[depth + 1]
    if (next === undefined || !next.ca || !isSignedBy(certificate, next)) return false
  }
  return false
}

function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

/** Never a half file: a power cut leaves the old one or the new one. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.new`
  await writeFile(draft, text, { mode, flush: true })
  await rename(draft, file)
}

/** Written by root, but read and added to by the service: everything belongs to whom the data folder belongs to. */
async function giveToOwnerOf(dataDir: string, paths: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(dataDir)
  for (const path of paths) await chown(path, uid, gid)
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
}

function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}

function ioError(error: unknown, where: string): unknown {
  if (error instanceof TelemetryError || !(error instanceof Error) || !('code' in error)) return error
  return new TelemetryError('STORE_IO', `${where}: ${error.message}`, { cause: error })
}
