// The certificate that the API serves with: from files of the user, or made by the gateway. It is looked at again and again:
// a renewed one is taken over without a restart, and one that cannot be used leaves the former in place.

import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { ownNames, selfSignedPair, type KeyPair } from './self-signed.ts'

const LOOK_AGAIN_MS = 60_000
const DAY_MS = 86_400_000
const WARN_DAYS = 14

/** Absolute paths of PEM files, or `selfSigned`. */
export type TlsOptions = { readonly cert: string; readonly key: string } | 'selfSigned'

export interface CertificateOptions {
  readonly tls: TlsOptions
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Logger
  /** Gets each pair that is to be used from now on. */
  readonly use: (pair: KeyPair) => void
}

export class Certificate {
  readonly #options: CertificateOptions
  #used = ''
  #validTo = Number.POSITIVE_INFINITY
  /** Of the last problem that was told: not each minute anew. */
  #told = ''
  #timer: Timer | null = null

  constructor(options: CertificateOptions) {
    this.#options = options
  }

  /** Unix milliseconds at which the one in use ends. */
  get validTo(): number {
    return this.#validTo
  }

  /** The first pair. Throws CONFIG_INVALID for files that cannot be used. */
  async load(): Promise<KeyPair> {
    const pair = await this.#read()
    this.#take(pair)
    return pair
  }

  /** Looks for a renewed one from now on. */
  watch(): void {
    this.#timer = this.#options.clock.after(LOOK_AGAIN_MS, () => {
      void this.reload().finally(() => {
        if (this.#timer !== null) this.watch()
      })
    })
  }

  unwatch(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  /** Takes a renewed pair over; never rejects: what cannot be used is logged, once. */
  async reload(): Promise<void> {
    const { log, use } = this.#options
    try {
      const pair = await this.#read()
      if (fingerprint(pair) === this.#used) return
      use(pair)
      this.#take(pair)
      log.info({ validTo: new Date(this.#validTo).toISOString() }, 'A new certificate is in use')
      this.#told = ''
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      // Files are often replaced one after the other: the next look finds both.
      if (text !== this.#told) log.warn({ err: error }, 'The new certificate cannot be used: the former one stays')
      this.#told = text
    }
  }

  async #read(): Promise<KeyPair> {
    const { tls, dataDir, clock } = this.#options
    if (tls === 'selfSigned') return selfSignedPair(join(dataDir, 'tls'), ownNames(), clock)
    const pair = { cert: await readPem(tls.cert, 'http.tls.cert'), key: await readPem(tls.key, 'http.tls.key') }
    checkPair(pair, tls)
    return pair
  }

  #take(pair: KeyPair): void {
    this.#used = fingerprint(pair)
    this.#validTo = new X509Certificate(pair.cert).validToDate.getTime()
    const days = Math.floor((this.#validTo - this.#options.clock.now()) / DAY_MS)
    const validTo = new Date(this.#validTo).toISOString()
    if (days < 0) this.#options.log.error({ validTo }, 'The certificate of the API has ended: browsers refuse it')
    else if (days < WARN_DAYS) this.#options.log.warn({ validTo, days }, 'The certificate of the API ends soon')
  }
}

async function readPem(path: string, key: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new TelemetryError('CONFIG_INVALID', `${path} cannot be read: correct ${key}, or the rights of the file`, {
      cause: error,
      context: { path },
    })
  }
}

/** Throws CONFIG_INVALID with the file that is to blame. Never tells what stands in them. */
function checkPair({ cert, key }: KeyPair, files: { cert: string; key: string }): void {
  const refuse = (message: string): never => {
    throw new TelemetryError('CONFIG_INVALID', message, { context: files })
  }
  const certificate = attempt(() => new X509Certificate(cert))
  if (certificate === null) return refuse(`${files.cert} is no certificate in PEM form: correct http.tls.cert`)
  const privateKey = attempt(() => createPrivateKey(key))
  if (privateKey === null) return refuse(`${files.key} is no unencrypted key in PEM form: correct http.tls.key`)
  if (!certificate.checkPrivateKey(privateKey))
    return refuse(`The key in ${files.key} does not belong to the certificate in ${files.cert}`)
  if (attempt(() => createSecureContext({ cert, key })) === null)
    return refuse(`The certificate in ${files.cert} cannot be used, perhaps because its key is too weak`)
}

function attempt<T>(make: () => T): T | null {
  try {
    return make()
  } catch {
    return null
  }
}

function fingerprint({ cert, key }: KeyPair): string {
  return createHash('sha256').update(cert).update('\0').update(key).digest('hex')
}
