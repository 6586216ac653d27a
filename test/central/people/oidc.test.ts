// Tokens of an OpenID Connect issuer, against a real one over HTTP whose keys rotate.

import type { ServerResponse } from 'node:http'
import { SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OidcVerifier } from '#central/people/oidc.ts'
import { COOLDOWN_MS, FRESH_MS, USABLE_MS } from '#central/people/oidc-keys.ts'
import type { OidcConfig } from '#config/central-config.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Issuer } from './issuer.ts'

const claims = { tenant: 'north', role: 'engineer' }

let issuer: Issuer
let clock: ManualClock
let verifier: OidcVerifier

beforeEach(async () => {
  issuer = await Issuer.start()
  clock = new ManualClock()
  verifier = verifierWith()
})

afterEach(() => issuer.stop())

function verifierWith(changes: Partial<OidcConfig> = {}): OidcVerifier {
  const config = {
    issuer: issuer.url,
    audience: 'telemetryx',
    tenantClaim: 'tenant',
    roleClaim: 'role',
    clockSkewMs: 30_000,
    ...changes,
  }
  return new OidcVerifier({ config, clock, log: silentLogger })
}

const seconds = (): number => Math.floor(clock.now() / 1000)

describe('a token of the issuer', () => {
  it('names a person with tenant and role', async () => {
    const person = await verifier.person(await issuer.token(claims, seconds()))
    expect(person).toEqual({
      name: 'oidc:subject-1',
      tenant: 'north',
      role: 'engineer',
      isPlatformAdmin: false,
    })
  })

  it.each(['RS256', 'PS256', 'ES384', 'EdDSA'])('may be signed by %s', async (alg) => {
    await issuer.rotate({ alg })
    await expect(verifier.person(await issuer.token(claims, seconds()))).resolves.toMatchObject({ tenant: 'north' })
  })

  it('gives the highest of several roles, found by a path of claims', async () => {
    const nested = verifierWith({ roleClaim: 'realm_access.roles', tenantClaim: 'https://example.org/tenant' })
    const token = await issuer.token(
      { 'https://example.org/tenant': 'south', realm_access: { roles: ['viewer', 'offline', 'operator'] } },
      seconds(),
    )
    await expect(nested.person(token)).resolves.toMatchObject({ tenant: 'south', role: 'operator' })
  })

  it('makes an administrator of the platform by its own role only', async () => {
    const plain = await verifier.person(await issuer.token({ tenant: 'north', role: 'admin' }, seconds()))
    const platform = await verifier.person(await issuer.token({ tenant: 'north', role: ['platform-admin'] }, seconds()))
    expect([plain, platform]).toMatchObject([
      { role: 'admin', isPlatformAdmin: false },
      { role: 'admin', isPlatformAdmin: true },
    ])
  })
})

describe('a token is refused', () => {
  const refused = (code: string, message: string) =>
    expect.objectContaining({ code, message: expect.stringContaining(message) })

  it.each([
    ['expired', (now: number) => ({ exp: now - 31 }), 'has expired'],
    ['not valid yet', (now: number) => ({ nbf: now + 31 }), 'claim nbf'],
    ['for another audience', () => ({ aud: 'billing' }), 'claim aud'],
    ['of another issuer', () => ({ iss: 'https://other.example' }), 'claim iss'],
    ['without an end', () => ({ exp: undefined }), 'claim exp'],
    ['of nobody', () => ({ sub: undefined }), 'claim sub'],
    ['of an empty name', () => ({ sub: '' }), 'names nobody'],
  ])('that is %s', async (_name, change, message) => {
    const token = await issuer.token({ ...claims, ...change(seconds()) }, seconds())
    await expect(verifier.person(token)).rejects.toEqual(refused('UNAUTHENTICATED', message))
  })

  it.each([
    ['no tenant', { tenant: undefined }, 'no id of a tenant'],
    ['a tenant that is no id', { tenant: '../north' }, 'no id of a tenant'],
    ['a list of tenants', { tenant: ['north', 'south'] }, 'no id of a tenant'],
    ['no role', { role: undefined }, 'no role'],
    ['a role that is unknown here', { role: 'superuser' }, 'no role'],
  ])('that names %s', async (_name, change, message) => {
    const token = await issuer.token({ ...claims, ...change }, seconds())
    await expect(verifier.person(token)).rejects.toEqual(refused('PERMISSION_DENIED', message))
  })

  it('within the clock skew it is not', async () => {
    const token = await issuer.token({ ...claims, exp: seconds() - 29, nbf: seconds() + 29 }, seconds())
    await expect(verifier.person(token)).resolves.toMatchObject({ tenant: 'north' })
  })

  it('that is not signed, or signed with the public key as a secret', async () => {
    const now = seconds()
    const payload = { ...claims, sub: 'x', iss: issuer.url, aud: 'telemetryx', exp: now + 300 }
    const secret = Buffer.from(JSON.stringify(issuer.publicKeys[0]))
    const kid = issuer.publicKeys[0]!.kid!
    const shared = await new SignJWT(payload).setProtectedHeader({ alg: 'HS256', kid }).sign(secret)
    for (const token of [new UnsecuredJWT(payload).encode(), shared, 'x.y.z', `${shared}x`])
      await expect(verifier.person(token)).rejects.toEqual(refused('UNAUTHENTICATED', 'is not valid'))
  })

  it('that another key signed under a known name', async () => {
    const other = await Issuer.start()
    const forged = await other.token({ ...claims, iss: issuer.url }, seconds())
    await other.stop()
    await expect(verifier.person(forged)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})

describe('keys of the issuer', () => {
  it('are fetched once while they are fresh', async () => {
    for (let n = 0; n < 5; n++) await verifier.person(await issuer.token(claims, seconds()))
    await Promise.all(Array.from({ length: 20 }, async () => verifier.person(await issuer.token(claims, seconds()))))
    expect(issuer.fetches).toBe(1)
  })

  it('are found when they have rotated', async () => {
    await verifier.person(await issuer.token(claims, seconds()))
    await clock.advance(COOLDOWN_MS)
    await issuer.rotate()
    await expect(verifier.person(await issuer.token(claims, seconds()))).resolves.toMatchObject({ tenant: 'north' })
    expect(issuer.fetches).toBe(2)
  })

  it('that the issuer took back are no longer believed once the kept ones are old', async () => {
    const old = await issuer.token({ ...claims, exp: seconds() + 7200 }, seconds())
    await verifier.person(old)
    await issuer.rotate()
    await clock.advance(FRESH_MS)
    await expect(verifier.person(old)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('are not asked for by every token that names an unknown one', async () => {
    await verifier.person(await issuer.token(claims, seconds()))
    const other = await Issuer.start()
    for (let n = 0; n < 50; n++) {
      const token = await other.token({ ...claims, iss: issuer.url }, seconds())
      await expect(verifier.person(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
      await clock.advance(1000)
    }
    await other.stop()
    expect(issuer.fetches).toBe(2)
  })

  it('serve for a while when the issuer is away, and not for ever', async () => {
    const token = await issuer.token({ ...claims, exp: seconds() + 86_400 }, seconds())
    await verifier.person(token)
    issuer.answer = (_request, response) => void response.destroy()
    await clock.advance(FRESH_MS)
    await expect(verifier.person(token)).resolves.toMatchObject({ tenant: 'north' })
    await clock.advance(USABLE_MS - FRESH_MS)
    await expect(verifier.person(token)).rejects.toMatchObject({ code: 'CONNECTION_FAILED', retryable: true })
    issuer.answer = null
    await clock.advance(COOLDOWN_MS)
    await expect(verifier.person(token)).resolves.toMatchObject({ tenant: 'north' })
  })
})

describe('an issuer that answers badly', () => {
  const json = (value: unknown) => (_request: unknown, response: ServerResponse) =>
    void response.writeHead(200).end(typeof value === 'string' ? value : JSON.stringify(value))

  it.each([
    ['the document of another one', () => json({ issuer: 'https://other.example', jwks_uri: `${issuer.url}/keys` })],
    ['keys at an address without encryption', () => json({ issuer: issuer.url, jwks_uri: 'http://keys.example/' })],
    ['keys in a file', () => json({ issuer: issuer.url, jwks_uri: 'file:///etc/passwd' })],
    ['no JSON', () => json('<html>')],
    ['a list', () => json([])],
    ['more than a document is long', () => json('x'.repeat(600_000))],
    [
      'another address',
      () => (_request: unknown, response: ServerResponse) =>
        void response.writeHead(302, { location: `${issuer.url}/keys` }).end(),
    ],
    ['an error', () => (_request: unknown, response: ServerResponse) => void response.writeHead(500).end('{}')],
  ])('with %s is as one that is away', async (_name, answer) => {
    issuer.answer = answer()
    const token = await issuer.token(claims, seconds())
    await expect(verifier.person(token)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
    expect(issuer.fetches).toBe(0)
  })
})
