// A simulated program that posts readings to a gateway's ingest route.

import type { Clock, Timer } from '#kit/clock.ts'
import { LineFaults, spoil } from './line-faults.ts'
import type { Points } from './points.ts'

const POST_TIMEOUT_MS = 10_000

export interface HttpPosterOptions {
  readonly url: string
  readonly token: string | null
  readonly everyMs: number
  readonly points: Points
  readonly clock: Clock
  readonly random: () => number
  /** Told when posts begin to succeed or to fail. */
  readonly onState: (text: string) => void
}

export class HttpPoster {
  readonly faults = new LineFaults()
  readonly #options: HttpPosterOptions
  readonly #stopping = new AbortController()
  #timer: Timer | null = null
  #under: Promise<void> | null = null
  #said = ''

  constructor(options: HttpPosterOptions) {
    this.#options = options
  }

  start(): Promise<void> {
    this.#schedule(this.#options.everyMs)
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#stopping.abort()
    await this.#under
  }

  /** One post at a time: a gateway that is slow is not flooded. */
  #schedule(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#under = this.#post().finally(() => {
        this.#under = null
        if (!this.#stopping.signal.aborted) this.#schedule(this.#options.everyMs + this.faults.delayMs)
      })
    })
  }

  async #post(): Promise<void> {
    const { url, token, points, clock, random } = this.#options
    const time = new Date(clock.now()).toISOString()
    const readings = points.ids.map((id) => ({ sensor: id, value: points.read(id), time }))
    const body = spoil(Buffer.from(JSON.stringify({ readings })), this.faults, random)
    if (body === null) return
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        body: new Uint8Array(body),
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(POST_TIMEOUT_MS)]),
      })
      const answer = await response.text()
      this.#say(response.ok ? `posted to ${url}` : `${url} answers ${response.status}: ${answer.slice(0, 200)}`)
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#say(`no post to ${url}: ${reasonOf(error)}`)
    }
  }

  #say(text: string): void {
    if (text !== this.#said) this.#options.onState(text)
    this.#said = text
  }
}

/** `fetch failed` says nothing; what lies behind it does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
