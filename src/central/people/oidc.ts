// People who come with a token (JWT) of their company's OpenID Connect provider: signature, issuer, audience and times are checked,
// then tenant and role are read from its claims. Nothing of a person is kept here.

import { errors, jwtVerify, type JWTPayload } from 'jose'
import { ROLES, type Role } from '#api/auth/roles.ts'
import type { OidcConfig } from '#config/central-config.ts'
import type { Log } from '#domain/driver.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import type { Clock } from '#kit/clock.ts'
import { IssuerKeys } from './oidc-keys.ts'

/** Asymmetric only: with a shared secret whoever can check a token could make one; `none` is no signature. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
/** Value of the role claim that also makes tenants. */
export const PLATFORM_ROLE = 'platform-admin'
const MAX_SUBJECT = 200

export interface OidcOptions {
  readonly config: OidcConfig
  readonly clock: Clock
  readonly log: Log
}

/** What a token says of its bearer. */
export interface OidcPerson {
  readonly name: string
  /** Id; whether there is such a tenant is another question. */
  readonly tenant: string
  readonly role: Role
  readonly isPlatformAdmin: boolean
}

export class OidcVerifier {
  readonly #config: OidcConfig
  readonly #clock: Clock
  readonly #keys: IssuerKeys

  constructor({ clock, config, log }: OidcOptions) {
    this.#config = config
    this.#clock = clock
    this.#keys = new IssuerKeys({ issuer: config.issuer, clock, log })
  }

  /** Throws UNAUTHENTICATED, PERMISSION_DENIED (it names no tenant or role), CONNECTION_FAILED (the issuer is away). */
  async person(token: string): Promise<OidcPerson> {
    const payload = await this.#verify(token)
    const { roleClaim, tenantClaim } = this.#config
    const tenant = claim(payload, tenantClaim)
    if (typeof tenant !== 'string' || !isId(tenant))
      throw new TelemetryError('PERMISSION_DENIED', `The token has no id of a tenant in its claim ${tenantClaim}`)
    const words = [claim(payload, roleClaim)].flat()
    const isPlatformAdmin = words.includes(PLATFORM_ROLE)
    const role = isPlatformAdmin ? 'admin' : highest(words)
    if (role === undefined)
      throw new TelemetryError('PERMISSION_DENIED', `The token has no role in its claim ${roleClaim}`)
    // `sub` and nothing that a person can choose: it names them in the audit log (OpenID Connect Core 1.0 §5.7).
    return { name: `oidc:${payload.sub!.slice(0, MAX_SUBJECT)}`, tenant, role, isPlatformAdmin }
  }

  async #verify(token: string): Promise<JWTPayload> {
    const { audience, clockSkewMs, issuer } = this.#config
    try {
      const { payload } = await jwtVerify(token, this.#keys.find, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: clockSkewMs / 1000,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp', 'sub'],
      })
      if (typeof payload.sub === 'string' && payload.sub !== '') return payload
    } catch (cause) {
      if (isTelemetryError(cause)) throw cause
      const reason = cause instanceof errors.JOSEError ? wordsOf(cause) : 'is not valid'
      throw new TelemetryError('UNAUTHENTICATED', `The token ${reason}`, { cause })
    }
    throw new TelemetryError('UNAUTHENTICATED', 'The token names nobody')
  }
}

function wordsOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return `is not for here: claim ${error.claim}`
  if (error instanceof errors.JWKSNoMatchingKey) return 'is signed with a key that its issuer does not have'
  return 'is not valid'
}

/** `a.b` reaches into objects; a claim that has the dots in its own name goes first. */
function claim(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  let value: unknown = payload
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

function highest(words: readonly unknown[]): Role | undefined {
  return ROLES.toReversed().find((role) => words.includes(role))
}
