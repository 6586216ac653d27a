// Asks a gateway that runs on this machine what its API tells.

import { TelemetryError } from '#domain/errors.ts'

export interface GatewayClientOptions {
  /** `http://127.0.0.1:8080`, without a path. */
  readonly url: string
  /** Bearer token; null: none. */
  readonly token: string | null
  /** For each answer, milliseconds. */
  readonly timeoutMs: number
}

export class GatewayClient {
  readonly #options: GatewayClientOptions

  constructor(options: GatewayClientOptions) {
    this.#options = options
  }

  /** True when a gateway answers there. */
  async isRunning(): Promise<boolean> {
    try {
      const body: unknown = JSON.parse(await this.text('/healthz'))
      return typeof body === 'object' && body !== null && 'status' in body && body.status === 'ok'
    } catch {
      return false
    }
  }

  /** Body of an answer, whatever it says. Throws CONNECTION_FAILED, UNAUTHENTICATED, PERMISSION_DENIED, REJECTED. */
  async text(path: string): Promise<string> {
    const { url, token, timeoutMs } = this.#options
    const headers = token === null ? {} : { authorization: `Bearer ${token}` }
    let response: Response
    let body: string
    try {
      response = await fetch(url + path, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
      body = await response.text()
    } catch (error) {
      throw new TelemetryError('CONNECTION_FAILED', `No gateway answers at ${url}`, { retryable: true, cause: error })
    }
    if (response.status === 401)
      throw new TelemetryError('UNAUTHENTICATED', token === null ? 'it needs a token' : 'the token is not valid')
    if (response.status === 403)
      throw new TelemetryError('PERMISSION_DENIED', "the token's role does not allow it: it must be engineer or admin")
    // Not ready is an answer too.
    if (!response.ok && response.status !== 503)
      throw new TelemetryError('REJECTED', `the gateway answered with status ${response.status}`)
    return body
  }

  /** All items of a list. Throws as `text` does, and PROTOCOL. */
  async items(path: string): Promise<readonly unknown[]> {
    const items: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `?cursor=${encodeURIComponent(cursor)}`
      const page = parsePage(await this.text(path + query))
      items.push(...page.items)
      cursor = page.next
    }
    return items
  }
}

function parsePage(text: string): { items: readonly unknown[]; next: string | null } {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'items' in body && Array.isArray(body.items)) {
      return { items: body.items, next: 'next' in body && typeof body.next === 'string' ? body.next : null }
    }
  } catch {
    // Told below.
  }
  throw new TelemetryError('PROTOCOL', 'the answer is no list')
}
