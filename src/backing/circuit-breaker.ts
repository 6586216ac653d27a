// The circuit breaker in front of a server that may be away: after some failures in a row calls fail at once, without waiting for
// the server; after a pause one call is let through, and what becomes of it decides. The state machine is pure; the runner
// holds it, the clock and the chance.

import { TelemetryError } from '#domain/errors.ts'
import { Backoff } from '#kit/backoff.ts'
import type { Clock } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'

const DEFAULT_OPENS_AFTER = 5
const DEFAULT_FIRST_MS = 250
const DEFAULT_MAX_MS = 15_000

export type BreakerKind = 'closed' | 'open' | 'halfOpen'

/** `generation` grows with each change of kind: what a call of an earlier one brings home says nothing about this one. */
export type BreakerState =
  | { readonly kind: 'closed'; readonly generation: number; readonly failures: number }
  | { readonly kind: 'open'; readonly generation: number; readonly retryAt: number }
  | { readonly kind: 'halfOpen'; readonly generation: number }

export const CLOSED: BreakerState = { kind: 'closed', generation: 0, failures: 0 }

/** May a call begin? In `halfOpen` one is under way already, and nobody else may. `now`: monotonic milliseconds. */
export function admit(
  state: BreakerState,
  now: number,
): { readonly state: BreakerState; readonly isAdmitted: boolean } {
  switch (state.kind) {
    case 'closed':
      return { state, isAdmitted: true }
    case 'halfOpen':
      return { state, isAdmitted: false }
    case 'open':
      if (now < state.retryAt) return { state, isAdmitted: false }
      return { state: { kind: 'halfOpen', generation: state.generation + 1 }, isAdmitted: true }
  }
}

/** A call that was admitted in `generation` has worked. */
export function succeeded(state: BreakerState, generation: number): BreakerState {
  if (generation !== state.generation) return state
  if (state.kind === 'closed') return state.failures === 0 ? state : { ...state, failures: 0 }
  return { kind: 'closed', generation: state.generation + 1, failures: 0 }
}

/** A call that was admitted in `generation` has failed. `retryAt` is asked for only when it opens. */
export function failed(
  state: BreakerState,
  generation: number,
  options: { readonly opensAfter: number; readonly retryAt: () => number },
): BreakerState {
  if (generation !== state.generation || state.kind === 'open') return state
  if (state.kind === 'closed' && state.failures + 1 < options.opensAfter)
    return { ...state, failures: state.failures + 1 }
  return { kind: 'open', generation: state.generation + 1, retryAt: options.retryAt() }
}

export interface CircuitBreakerOptions {
  /** What is behind it, for messages and metrics: `Redis`. */
  readonly name: string
  readonly clock: Clock
  /** Failures in a row after which it opens. Default 5. */
  readonly opensAfter?: number
  /** Ceiling of the first pause; doubles with each failed try. Default 250 ms. */
  readonly firstMs?: number
  /** Longest pause. Default 15 s. */
  readonly maxMs?: number
  /** Uniform in [0, 1). Default Math.random. */
  readonly random?: () => number
  /** A call that takes longer is a failure, and its caller is told so; default: as long as it likes. */
  readonly timeoutMs?: number
  /** Does this error say that the server is away? Default: every error does. Others pass through and count as an answer. */
  readonly isFailure?: (cause: unknown) => boolean
  /** Called when it opens and when it closes again. */
  readonly onChange?: (kind: 'open' | 'closed', cause: unknown) => void
}

export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions
  readonly #backoff: Backoff
  #state: BreakerState = CLOSED

  constructor(options: CircuitBreakerOptions) {
    this.#options = options
    this.#backoff = new Backoff({
      firstMs: options.firstMs ?? DEFAULT_FIRST_MS,
      maxMs: options.maxMs ?? DEFAULT_MAX_MS,
      random: options.random ?? Math.random,
    })
  }

  get name(): string {
    return this.#options.name
  }

  /** As the last call left it: an open one whose pause is over still says so. */
  get kind(): BreakerKind {
    return this.#state.kind
  }

  /** Milliseconds until a call may be tried; 0 when one may now. */
  get retryAfterMs(): number {
    const state = this.#state
    return state.kind === 'open' ? Math.max(0, state.retryAt - this.#options.clock.monotonic()) : 0
  }

  /** Runs `work`. Throws UNAVAILABLE at once while open, TIMEOUT when it takes too long, else what `work` throws. */
  async run<T>(work: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    const { clock, isFailure } = this.#options
    const { state, isAdmitted } = admit(this.#state, clock.monotonic())
    this.#state = state
    if (!isAdmitted) throw this.#unavailable()
    const { generation } = state
    try {
      const result = await this.#limited(work)
      this.succeeded(generation)
      return result
    } catch (cause) {
      if (isFailure === undefined || isFailure(cause)) this.failed(generation, cause)
      else this.succeeded(generation)
      throw cause
    }
  }

  /** Something outside of a call has shown that the server is there, for example its connection. */
  succeeded(generation = this.#state.generation): void {
    const before = this.#state.kind
    this.#state = succeeded(this.#state, generation)
    if (this.#state.kind === before || this.#state.kind !== 'closed') return
    this.#backoff.reset()
    this.#options.onChange?.('closed', undefined)
  }

  /** Something outside of a call has shown that the server is away. */
  failed(generation = this.#state.generation, cause?: unknown): void {
    const { clock, opensAfter = DEFAULT_OPENS_AFTER, onChange } = this.#options
    const before = this.#state.kind
    const retryAt = (): number => clock.monotonic() + this.#backoff.next()
    const after = failed(this.#state, generation, { opensAfter, retryAt })
    this.#state = after
    if (before === 'closed' && after.kind === 'open') onChange?.('open', cause)
  }

  #limited<T>(work: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    const { clock, name, timeoutMs } = this.#options
    if (timeoutMs === undefined) return work(undefined)
    return withDeadline({ clock, timeoutMs, what: `An answer of ${name}` }, work)
  }

  #unavailable(): TelemetryError {
    const { name } = this.#options
    const retryAfterMs = Math.ceil(this.retryAfterMs)
    return new TelemetryError('UNAVAILABLE', `${name} is away`, {
      retryable: true,
      context: { service: name, retryAfterMs },
    })
  }
}
