// Central's API as a part with a life: builds the server at its start, listens, and ends without cutting an answer off.

import { mkdir } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { listen, urlOf } from '#api/listen.ts'
import { Certificate } from '#api/tls/certificate.ts'
import { HttpsServers } from '#api/tls/https-server.ts'
import type { Component } from '#domain/component.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Authenticate } from '../ingest/sender.ts'
import { TenantLive } from '../live/tenant-live.ts'
import { Authenticator } from '../people/authenticator.ts'
import { authorise } from '../people/caller.ts'
import { TenantLanes } from '../people/lanes.ts'
import { Login } from '../people/login.ts'
import { Sessions } from '../people/sessions.ts'
import { Setup } from '../people/setup.ts'
import { Users } from '../people/users.ts'
import { buildApp } from './app.ts'
import type { CentralApiOptions, CentralContext, CentralServer } from './context.ts'
import { alertShape } from './routes/alarms.ts'
import type { ApiVersion } from './versions.ts'

export class CentralApi implements Component {
  readonly name = 'central api'
  readonly #options: CentralApiOptions
  readonly #versions: readonly ApiVersion[] | undefined
  readonly #users: Users
  readonly #setup: Setup
  readonly #sessions: Sessions
  readonly #authenticator: Authenticator
  #app: CentralServer | null = null
  #live: TenantLive | null = null
  #certificate: Certificate | null = null
  #url = ''
  #setupToken: string | null = null

  /** @param versions those of the API; default: v1. */
  constructor(options: CentralApiOptions, versions?: readonly ApiVersion[]) {
    this.#options = options
    this.#versions = versions
    const { clock, oidc, shared, storage } = options
    const { tenancy } = storage
    this.#users = new Users(tenancy, clock)
    this.#setup = new Setup(tenancy, this.#users)
    this.#sessions = new Sessions(shared, clock)
    this.#authenticator = new Authenticator({ tenancy, users: this.#users, sessions: this.#sessions, oidc, clock })
  }

  /** Who sends through another door than HTTP: a key with the scope ingest. */
  readonly authenticate: Authenticate = async (bearer) => {
    const caller = authorise(await this.#authenticator.identify({ bearer, session: null }), 'ingest')
    return { tenant: caller.tenantNumber, gateway: caller.via === 'key' ? caller.gateway : null }
  }

  /** `http://host:port`, or `https:`, once started; empty before. */
  get url(): string {
    return this.#url
  }

  /** One-time link that makes the first administrator; null when there was one at the start. */
  get setupUrl(): string | null {
    // After the #, so that it reaches no server log.
    return this.#setupToken === null ? null : `${this.#url}/setup#token=${this.#setupToken}`
  }

  /** Throws PORT_IN_USE, CONFIG_INVALID, STORE_IO. */
  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted)
      throw new TelemetryError('ABORTED', 'The start of the API was stopped', { cause: signal.reason })
    const { dataDir, http, log } = this.#options
    await mkdir(dataDir, { recursive: true })
    this.#setupToken = await this.#setup.begin()
    const context = await this.#context()
    const app = await buildApp(context, this.#versions)
    try {
      await listen(app, http)
    } catch (error) {
      await app.close()
      throw error
    }
    this.#app = app
    this.#live = context.live
    this.#certificate?.watch()
    this.#url = http.publicUrl ?? urlOf(app.server.address() as AddressInfo, http)
    log.info({ url: this.#url }, 'The API listens')
  }

  async stop(signal: AbortSignal): Promise<void> {
    const app = this.#app
    this.#app = null
    this.#certificate?.unwatch()
    if (app === null) return
    const cutOff = (): void => app.server.closeAllConnections()
    signal.addEventListener('abort', cutOff, { once: true })
    try {
      const closed = app.close()
      if (signal.aborted) cutOff()
      await Promise.all([closed, this.#live?.close(signal)])
    } finally {
      signal.removeEventListener('abort', cutOff)
    }
  }

  async #context(): Promise<CentralContext> {
    const { clock, feed, http, log, registry, storage } = this.#options
    const users = this.#users
    const setup = this.#setup
    const { queries, tenantLiveClients, tenantQueries, tenantQueue } = http.limits
    return {
      options: this.#options,
      users,
      sessions: this.#sessions,
      setup,
      login: new Login({ tenancy: storage.tenancy, users, setup, clock }),
      authenticator: this.#authenticator,
      lanes: new TenantLanes({ total: queries, perTenant: tenantQueries, queue: tenantQueue }),
      live: new TenantLive({
        readings: storage.readings,
        alarms: storage.alarms,
        feed,
        clock,
        log,
        registry,
        maxClients: tenantLiveClients,
        alertShape,
      }),
      https: await this.#https(),
    }
  }

  async #https(): Promise<HttpsServers | null> {
    const { clock, dataDir, http, log } = this.#options
    if (http.tls === null) return null
    const certificate = new Certificate({ tls: http.tls, dataDir, clock, log, use: (pair) => servers.use(pair) })
    const servers = new HttpsServers(await certificate.load())
    this.#certificate = certificate
    return servers
  }
}
