// An OpenID Connect issuer for tests: discovery and keys over HTTP, keys that rotate, and tokens of every kind.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'

interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export class Issuer {
  readonly url: string
  /** Requests for keys. */
  fetches = 0
  /** Answers in place of the right ones; null: the right ones. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | null = null
  readonly #server: Server
  #keys: SigningKey[] = []

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realm`
    server.on('request', (request, response) => this.#serve(request, response))
  }

  static async start(): Promise<Issuer> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const issuer = new Issuer(server)
    await issuer.rotate()
    return issuer
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await Promise.resolve()
  }

  /** A new key signs from now on; the issuer publishes it and, with `keep`, the ones before. */
  async rotate({ alg = 'ES256', keep = false } = {}): Promise<void> {
    const kid = `key-${this.#keys.length + 1}-${Math.random().toString(36).slice(2)}`
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
    this.#keys = [...(keep ? this.#keys : []), { kid, alg, privateKey, jwk }]
  }

  get publicKeys(): readonly JWK[] {
    return this.#keys.map(({ jwk }) => jwk)
  }

  /** A token signed by the newest key. Times in seconds since 1970. */
  async token(claims: JWTPayload, now: number): Promise<string> {
    const { kid, alg, privateKey } = this.#keys.at(-1)!
    const payload = { iss: this.url, aud: 'telemetryx', sub: 'subject-1', iat: now, exp: now + 300, ...claims }
    const given = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined))
    return new SignJWT(given).setProtectedHeader({ alg, kid }).sign(privateKey)
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (request.url === '/realm/keys') this.fetches += 1
    if (this.answer) return this.answer(request, response)
    const send = (value: unknown): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (request.url === '/realm/.well-known/openid-configuration')
      send({ issuer: this.url, jwks_uri: `${this.url}/keys` })
    else if (request.url === '/realm/keys') send({ keys: this.publicKeys })
    else response.writeHead(404).end()
  }
}
