// The API as a component of the gateway: builds the server at its start, listens, and ends without cutting an answer off.

import { mkdir } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { AuditSink } from '#domain/audit.ts'
import { DEFAULT_HTTP_LIMITS } from '#config/http-limits.ts'
import type { Component } from '#domain/component.ts'
import { TelemetryError } from '#domain/errors.ts'
import { buildApp } from './app.ts'
import { AuditLog } from './audit/audit-log.ts'
import { Accounts } from './auth/accounts.ts'
import { LocalAccess } from './auth/local-access.ts'
import { Login } from './auth/login.ts'
import { Sessions } from './auth/sessions.ts'
import type { ApiContext, ApiOptions, ApiServer } from './context.ts'
import { Gate } from './gate.ts'
import { listen, urlOf } from './listen.ts'
import { LiveHub } from './live/hub.ts'
import { Certificate } from './tls/certificate.ts'
import { HttpsServers } from './tls/https-server.ts'

export type { ApiOptions } from './context.ts'

export interface Api extends Component {
  /** `http://host:port`, or `https:`, once started; empty before. */
  readonly url: string
  /** One-time link that makes the first administrator, to be printed for the user; null when there is nothing to set up. */
  readonly setupUrl: string | null
  /** For changes that come through other doors; what comes while the API does not run is told the log only. */
  readonly audit: AuditSink
}

/** The API; does no I/O before `start`. */
export function createApi(options: ApiOptions): Api {
  return new HttpApi(options)
}

class HttpApi implements Api {
  readonly name = 'api'
  readonly #options: ApiOptions
  #app: ApiServer | null = null
  #live: LiveHub | null = null
  #url = ''
  #setupToken: string | null = null
  readonly #local: LocalAccess
  #accounts: Accounts | null = null
  #audit: AuditLog | null = null
  #certificate: Certificate | null = null

  constructor(options: ApiOptions) {
    this.#options = options
    this.#local = new LocalAccess(options.dataDir)
  }

  readonly audit: AuditSink = {
    record: async (change) => {
      const { action, target, who, outcome } = change
      if (this.#audit) await this.#audit.record(change)
      else this.#options.log.info({ action, target, who, outcome }, 'Changed while the audit log is closed')
    },
  }

  get url(): string {
    return this.#url
  }

  get setupUrl(): string | null {
    if (this.#setupToken === null || this.#accounts?.hasAdministrator !== false) return null
    // After the #, so that it reaches no server log.
    return `${this.#url}/setup#token=${this.#setupToken}`
  }

  /** Throws PORT_IN_USE, CONFIG_INVALID, STORE_CORRUPT, STORE_IO. */
  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted)
      throw new TelemetryError('ABORTED', 'The start of the API was stopped', { cause: signal.reason })
    const context = await this.#prepare()
    const app = await buildApp(context)
    try {
      await listen(app, this.#options.http)
    } catch (error) {
      await app.close()
      await context.audit.close()
      throw error
    }
    this.#app = app
    this.#live = context.live
    this.#live.open()
    this.#certificate?.watch()
    this.#url = urlOf(app.server.address() as AddressInfo, this.#options.http)
    await this.#local.publish(localUrlOf(app.server.address() as AddressInfo, this.#url))
    this.#options.log.info({ url: this.#url }, 'The API listens')
  }

  async stop(signal: AbortSignal): Promise<void> {
    const app = this.#app
    this.#app = null
    this.#certificate?.unwatch()
    if (app === null) return
    await this.#local.withdraw()
    const cutOff = (): void => app.server.closeAllConnections()
    signal.addEventListener('abort', cutOff, { once: true })
    try {
      const closed = app.close()
      if (signal.aborted) cutOff()
      await Promise.all([closed, this.#live?.close(signal)])
      const audit = this.#audit
      this.#audit = null
      await audit?.close()
      await this.#accounts?.settled()
    } finally {
      signal.removeEventListener('abort', cutOff)
    }
  }

  async #prepare(): Promise<ApiContext> {
    const options = this.#options
    const { clock, dataDir, latest, alarms, registry, log } = options
    await mkdir(dataDir, { recursive: true })
    const accounts = new Accounts(join(dataDir, 'auth.json'), clock)
    await accounts.load()
    if (options.http.auth === 'required' && !accounts.hasAdministrator) this.#setupToken = await accounts.beginSetup()
    this.#accounts = accounts
    const audit = new AuditLog({ folder: join(dataDir, 'audit'), clock, log })
    await audit.open()
    this.#audit = audit
    const limits = options.http.limits ?? DEFAULT_HTTP_LIMITS
    return {
      options,
      limits,
      accounts,
      local: this.#local,
      sessions: new Sessions(clock),
      login: new Login(accounts, clock),
      audit,
      https: await this.#https(),
      live: new LiveHub({
        maxClients: limits.liveClients,
        maxOfAddress: limits.addressLiveClients,
        epoch: options.info.epoch,
        latest,
        alarms,
        model: () => options.info.model(),
        clock,
        log,
        registry,
      }),
      queries: new Gate({ max: limits.queries, code: 'UNAVAILABLE', message: 'Too many queries at once; try again' }),
    }
  }

  async #https(): Promise<HttpsServers | null> {
    const { http, dataDir, clock, log } = this.#options
    if (!http.tls) return null
    const certificate = new Certificate({ tls: http.tls, dataDir, clock, log, use: (pair) => servers.use(pair) })
    const servers = new HttpsServers(await certificate.load())
    this.#certificate = certificate
    return servers
  }
}

/** Where a command on this machine finds it: through loopback where it listens on every address. */
function localUrlOf({ address, port }: AddressInfo, url: string): string {
  const name = address === '::' ? '[::1]' : address === '0.0.0.0' ? '127.0.0.1' : new URL(url).hostname
  return `${new URL(url).protocol}//${name}:${port}`
}
