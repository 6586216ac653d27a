// The public keys of an OpenID Connect issuer: found by discovery, fetched within limits, fetched anew when they are old or when a
// token names one that is not there, and never more often than every COOLDOWN_MS, whatever tokens come.

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWSHeaderParameters } from 'jose'
import { isLoopback } from '#config/loopback.ts'
import type { Log } from '#domain/driver.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'

/** Keys younger than this are used without asking: how long one that the issuer took back is still believed. */
export const FRESH_MS = 600_000
/** While the issuer cannot be reached, older keys are used up to this age. */
export const USABLE_MS = 3_600_000
/** Shortest time between two fetches. */
export const COOLDOWN_MS = 30_000
const TIMEOUT_MS = 5000
const MAX_BYTES = 512 * 1024
const MAX_KEYS = 100

type KeySet = ReturnType<typeof createLocalJWKSet>

export interface IssuerKeysOptions {
  readonly issuer: string
  readonly clock: Clock
  readonly log: Log
}

export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  #keys: { readonly set: KeySet; readonly fetchedAt: number } | null = null
  #triedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | null = null
  #jwksUri: string | null = null

  constructor(options: IssuerKeysOptions) {
    this.#options = options
  }

  /** For jose. Throws jose's errors when no key fits; CONNECTION_FAILED when the issuer has never been reached or is away for long. */
  readonly find = async (header: JWSHeaderParameters, token: Parameters<KeySet>[1]): ReturnType<KeySet> => {
    const now = this.#options.clock.monotonic()
    if (this.#keys === null || now - this.#keys.fetchedAt >= FRESH_MS) await this.#refresh()
    const known = this.#usable()
    try {
      return await known(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !(await this.#refresh())) throw error
      return this.#usable()(header, token)
    }
  }

  #usable(): KeySet {
    const { clock, issuer } = this.#options
    if (this.#keys !== null && clock.monotonic() - this.#keys.fetchedAt < USABLE_MS) return this.#keys.set
    throw new TelemetryError('CONNECTION_FAILED', `The keys of ${issuer} cannot be fetched; try again later`, {
      retryable: true,
    })
  }

  /** Fetches, unless that was tried a moment ago; callers of the same time share one fetch. Answers whether there are new keys. */
  async #refresh(): Promise<boolean> {
    const { clock, issuer, log } = this.#options
    const before = this.#keys
    if (this.#fetching === null) {
      if (clock.monotonic() - this.#triedAt < COOLDOWN_MS) return false
      this.#triedAt = clock.monotonic()
      this.#fetching = this.#fetch()
        .catch((cause: unknown) =>
          log.warn({ issuer, reason: toTelemetryError(cause).message }, 'Fetching keys failed'),
        )
        .finally(() => {
          this.#fetching = null
        })
    }
    await this.#fetching
    return this.#keys !== before
  }

  async #fetch(): Promise<void> {
    this.#jwksUri ??= await this.#discover()
    const set = await fetchObject(this.#jwksUri)
    const { keys } = set
    if (!Array.isArray(keys) || keys.length > MAX_KEYS)
      throw new TelemetryError('PROTOCOL', `${this.#jwksUri} has no list of at most ${MAX_KEYS} keys`)
    // createLocalJWKSet judges the keys themselves.
    this.#keys = { set: createLocalJWKSet(set as unknown as JSONWebKeySet), fetchedAt: this.#options.clock.monotonic() }
  }

  async #discover(): Promise<string> {
    const { issuer } = this.#options
    const document = await fetchObject(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const uri = document['jwks_uri']
    // OpenID Connect Discovery 1.0 §4.3: another issuer's document would let it speak for this one.
    if (document['issuer'] !== issuer) throw new TelemetryError('PROTOCOL', `${issuer} says that it is another issuer`)
    if (typeof uri !== 'string' || !isSafeUrl(uri))
      throw new TelemetryError('PROTOCOL', `${issuer} names no safe jwks_uri`)
    return uri
  }
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')))
}

async function fetchObject(url: string): Promise<Record<string, unknown>> {
  let response: Response
  let text: string
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    response = await fetch(url, { redirect: 'error', signal, headers: { accept: 'application/json' } })
    text = await boundedText(response)
  } catch (cause) {
    throw toTelemetryError(cause, 'CONNECTION_FAILED')
  }
  if (!response.ok) throw new TelemetryError('PROTOCOL', `${url} answers ${response.status}`)
  const value = parsed(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TelemetryError('PROTOCOL', `${url} answers no JSON object`)
  return value as Record<string, unknown>
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > MAX_BYTES) throw new TelemetryError('PROTOCOL', `${response.url} answers more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
