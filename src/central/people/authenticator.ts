// Who a request comes from: a program with a key, a person with a token of the OpenID Connect provider, or one with a session.

import type { Clock } from '#kit/clock.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Tenancy, TenantRecord } from '../ports.ts'
import type { Caller, Person, Program } from './caller.ts'
import { isKey, programOf } from './keys.ts'
import type { OidcVerifier } from './oidc.ts'
import { Recent } from './recent.ts'
import type { Sessions } from './sessions.ts'
import type { Users } from './users.ts'

/** Keys that are known go on while the database is away, in which they could not be revoked either: as those of a provider do. */
const KEY_GRACE_MS = 3_600_000

export interface AuthenticatorOptions {
  readonly tenancy: Tenancy
  readonly users: Users
  readonly sessions: Sessions
  /** null: there is no provider. */
  readonly oidc: OidcVerifier | null
  readonly clock: Clock
}

/** What a request shows. */
export interface Credentials {
  readonly bearer: string | null
  readonly session: string | null
}

type TimedProgram = Program & { readonly expiresAt: number | null }

export class Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #programs: Recent<TimedProgram>
  readonly #people: Recent<Person>
  readonly #tenants: Recent<TenantRecord>

  constructor(options: AuthenticatorOptions) {
    this.#options = options
    this.#programs = new Recent(options.clock, KEY_GRACE_MS)
    this.#people = new Recent(options.clock)
    this.#tenants = new Recent(options.clock)
  }

  /** null: nobody that is known. Throws UNAUTHENTICATED with the reason where one may be told, CONNECTION_FAILED, … */
  async identify({ bearer, session }: Credentials): Promise<Caller | null> {
    if (bearer !== null) return isKey(bearer) ? this.#program(bearer) : this.#fromIssuer(bearer)
    return session === null ? null : this.#people.get(session, () => this.#fromSession(session))
  }

  /** Something has changed that decides who may do what: nothing that was looked up before is believed. */
  forget(): void {
    this.#programs.forget()
    this.#people.forget()
    this.#tenants.forget()
  }

  async #program(key: string): Promise<Caller | null> {
    const { clock, tenancy } = this.#options
    const program = await this.#programs.get(key, () => programOf(tenancy, key))
    if (program === null || (program.expiresAt !== null && clock.now() >= program.expiresAt)) return null
    return program
  }

  async #fromIssuer(token: string): Promise<Caller | null> {
    const { oidc } = this.#options
    if (oidc === null || token.split('.').length !== 3) return null
    const person = await oidc.person(token)
    const tenant = await this.#tenant(person.tenant)
    // The same words whether there is none or it is suspended: which tenants there are is nobody's business.
    if (!tenant?.isActive) throw new TelemetryError('PERMISSION_DENIED', 'The tenant of the token is not served here')
    return { ...person, via: 'oidc', tenantNumber: tenant.number }
  }

  async #fromSession(id: string): Promise<Person | null> {
    const session = await this.#options.sessions.find(id)
    const tenant = session && (await this.#tenant(session.tenant))
    const user = tenant?.isActive ? await this.#options.users.get(tenant.number, session!.user) : null
    if (!tenant || !user?.isActive || user.mark !== session!.mark) return null
    const { isPlatformAdmin, name, role } = user
    return { name, tenant: tenant.id, tenantNumber: tenant.number, via: 'session', role, isPlatformAdmin }
  }

  #tenant(id: string): Promise<TenantRecord | null> {
    return this.#tenants.get(id, () => this.#options.tenancy.get(id))
  }
}
