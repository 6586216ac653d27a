// Central's HTTP API, in the words of its pages. Throws ApiError.

import { decodePage, type Page } from '../client/decode-page.ts'
import { Fields } from '../client/fields.ts'
import type { HttpClient, Request } from '../client/http.ts'
import {
  decodeFigures,
  decodeFleetGateway,
  decodeKey,
  decodeOffer,
  decodeOfferDetail,
  decodePlanQuestion,
  decodeSession,
  type CentralSession,
  type FleetFigures,
  type FleetGateway,
  type GatewayKey,
  type Offer,
  type OfferDetail,
  type PlanQuestion,
} from './wire.ts'

export interface FirstAdministrator {
  readonly token: string
  readonly name: string
  readonly password: string
  readonly tenant: { readonly id: string; readonly name: string }
}

export class CentralApi {
  readonly #http: HttpClient

  constructor(http: HttpClient) {
    this.#http = http
  }

  /** For routes that one page alone uses. */
  get http(): HttpClient {
    return this.#http
  }

  async session(): Promise<CentralSession> {
    return decodeSession(await this.#ask('/session'))
  }

  async setUp(first: FirstAdministrator): Promise<CentralSession> {
    return decodeSession(await this.#ask('/setup', { method: 'POST', body: first }))
  }

  /** `tenant` empty: that of the first administrator. */
  async login(tenant: string, name: string, password: string): Promise<CentralSession> {
    const body = { name, password, ...(tenant !== '' && { tenant }) }
    return decodeSession(await this.#ask('/session', { method: 'POST', body }))
  }

  async logout(): Promise<void> {
    await this.#ask('/session', { method: 'DELETE' })
  }

  async fleet(): Promise<FleetFigures> {
    return decodeFigures(await this.#ask('/fleet'))
  }

  /** The first `limit` (1 to 1000) by id. */
  async gateways(limit: number): Promise<Page<FleetGateway>> {
    return decodePage(decodeFleetGateway)(await this.#ask(`/gateways?limit=${limit}`))
  }

  async gateway(id: string): Promise<FleetGateway> {
    return decodeFleetGateway(await this.#ask(pathOf(id)))
  }

  /** The latest 50, newest first. */
  async offers(id: string): Promise<readonly Offer[]> {
    return decodePage(decodeOffer)(await this.#ask(`${pathOf(id)}/configurations?limit=50`)).items
  }

  async offer(id: string, revision: string): Promise<OfferDetail> {
    return decodeOfferDetail(await this.#ask(`${pathOf(id)}/configurations/${encodeURIComponent(revision)}`))
  }

  /** `plan`: of this very text; null: without one. */
  async makeOffer(
    id: string,
    text: string,
    { comment, plan }: { comment: string; plan: string | null },
  ): Promise<Offer> {
    const body = { text, ...(comment !== '' && { comment }), ...(plan !== null && { plan }) }
    return decodeOffer(await this.#ask(`${pathOf(id)}/configurations`, { method: 'POST', body }))
  }

  async askPlan(id: string, text: string): Promise<PlanQuestion> {
    return decodePlanQuestion(await this.#ask(`${pathOf(id)}/plans`, { method: 'POST', body: { text } }))
  }

  async plan(id: string, plan: string): Promise<PlanQuestion> {
    return decodePlanQuestion(await this.#ask(`${pathOf(id)}/plans/${encodeURIComponent(plan)}`))
  }

  /** Those that are revoked or over too. */
  async keys(): Promise<readonly GatewayKey[]> {
    const keys: GatewayKey[] = []
    for (let cursor: string | null = null; ;) {
      const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { items, next } = decodePage(decodeKey)(await this.#ask(`/keys?limit=1000${after}`))
      keys.push(...items)
      cursor = next
      if (cursor === null) return keys
    }
  }

  /** Answers the key itself, which nobody tells again. `expiresIn` null: it does not end by itself. */
  async makeKey(gateway: string, expiresIn: string | null): Promise<string> {
    const body = { name: gateway, scopes: ['ingest'], gateway, ...(expiresIn !== null && { expiresIn }) }
    return new Fields(await this.#ask('/keys', { method: 'POST', body }), 'key').text('key')
  }

  async revokeKey(id: string): Promise<void> {
    await this.#ask(`/keys/${encodeURIComponent(id)}`, { method: 'DELETE' })
  }

  async #ask(path: string, request?: Request): Promise<unknown> {
    return await this.#http.request(path, request)
  }
}

function pathOf(id: string): string {
  return `/gateways/${encodeURIComponent(id)}`
}
