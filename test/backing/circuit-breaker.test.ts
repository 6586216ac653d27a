import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { admit, CircuitBreaker, CLOSED, failed, succeeded, type BreakerState } from '#backing/circuit-breaker.ts'
import { TelemetryError } from '#domain/errors.ts'
import { ManualClock } from '#kit/manual-clock.ts'

const AWAY = new TelemetryError('CONNECTION_LOST', 'away', { retryable: true })
const OPENS_AFTER = 3

interface Bench {
  readonly clock: ManualClock
  readonly breaker: CircuitBreaker
  readonly changes: string[]
  readonly fail: () => Promise<string>
  readonly work: () => Promise<string>
}

function bench(more: { timeoutMs?: number; isFailure?: (cause: unknown) => boolean } = {}): Bench {
  const clock = new ManualClock()
  const changes: string[] = []
  const breaker = new CircuitBreaker({
    name: 'Redis',
    clock,
    opensAfter: OPENS_AFTER,
    firstMs: 100,
    maxMs: 400,
    random: () => 1 - Number.EPSILON,
    onChange: (kind) => changes.push(kind),
    ...more,
  })
  const outcome = (run: Promise<string>): Promise<string> =>
    run.catch((cause: unknown) => (cause instanceof TelemetryError ? cause.code : String(cause)))
  return {
    clock,
    breaker,
    changes,
    fail: () => outcome(breaker.run(() => Promise.reject(AWAY))),
    work: () => outcome(breaker.run(() => Promise.resolve('worked'))),
  }
}

describe('the circuit breaker', () => {
  it('opens after failures in a row and then fails at once', async () => {
    const { breaker, changes, fail, work } = bench()
    for (let failure = 0; failure < OPENS_AFTER; failure++) expect(await fail()).toBe('CONNECTION_LOST')
    expect(breaker.kind).toBe('open')
    expect(await work()).toBe('UNAVAILABLE')
    expect(changes).toEqual(['open'])
  })

  it('counts only failures in a row', async () => {
    const { breaker, fail, work } = bench()
    for (let round = 0; round < 5; round++) {
      await fail()
      await fail()
      await work()
    }
    expect(breaker.kind).toBe('closed')
  })

  it('lets one call through after the pause, and closes when that works', async () => {
    const { breaker, changes, clock, fail, work } = bench()
    for (let failure = 0; failure < OPENS_AFTER; failure++) await fail()
    await clock.advance(101)
    let letGo = (_word: string): void => {}
    const probe = breaker.run(() => new Promise<string>((resolve) => (letGo = resolve)))
    expect(await work()).toBe('UNAVAILABLE')
    letGo('worked')
    expect(await probe).toBe('worked')
    expect(await work()).toBe('worked')
    expect(changes).toEqual(['open', 'closed'])
  })

  it('waits longer after each try that failed, up to a limit, and says how long', async () => {
    const { breaker, clock, fail } = bench()
    for (let failure = 0; failure < OPENS_AFTER; failure++) await fail()
    const pauses: number[] = []
    for (let turn = 0; turn < 4; turn++) {
      pauses.push(Math.round(breaker.retryAfterMs))
      await clock.advance(breaker.retryAfterMs + 1)
      expect(await fail()).toBe('CONNECTION_LOST')
    }
    expect(pauses).toEqual([100, 200, 400, 400])
    expect(await fail()).toBe('UNAVAILABLE')
  })

  it('takes an answer that is late as a failure', async () => {
    const { breaker, clock } = bench({ timeoutMs: 50 })
    for (let failure = 0; failure < OPENS_AFTER; failure++) {
      const run = expect(breaker.run(() => new Promise<string>(() => {}))).rejects.toMatchObject({ code: 'TIMEOUT' })
      await clock.advance(51)
      await run
    }
    expect(breaker.kind).toBe('open')
  })

  it('takes an error that the server itself gave as an answer', async () => {
    const { breaker, fail } = bench({ isFailure: (cause) => cause !== AWAY })
    for (let turn = 0; turn < 10; turn++) expect(await fail()).toBe('CONNECTION_LOST')
    expect(breaker.kind).toBe('closed')
  })

  it('does not believe what a call of an earlier time brings home', async () => {
    const { breaker, fail } = bench()
    let letGo = (_word: string): void => {}
    const slow = breaker.run(() => new Promise<string>((resolve) => (letGo = resolve)))
    for (let failure = 0; failure < OPENS_AFTER; failure++) await fail()
    letGo('worked')
    await slow
    expect(breaker.kind).toBe('open')
  })
})

type Step =
  | { readonly do: 'call' }
  | { readonly do: 'end'; readonly call: number; readonly isOk: boolean }
  | { readonly do: 'wait' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.constant({ do: 'call' } as const),
    fc.record({ do: fc.constant('end' as const), call: fc.nat(20), isOk: fc.boolean() }),
    fc.constant({ do: 'wait' } as const),
  ),
  { maxLength: 120 },
)

describe('its state machine', () => {
  it('never has more than one call under way once it was open, and always lets one through after the pause', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { underWay, state, now } = play(script)
        if (state.kind === 'halfOpen')
          expect(underWay.filter((generation) => generation === state.generation)).toHaveLength(1)
        if (state.kind === 'open') expect(underWay).not.toContain(state.generation)
        if (state.kind === 'open') expect(admit(state, now + 10).isAdmitted).toBe(true)
      }),
    )
  })

  it('is closed again after one success of the right time, whatever was before', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { state, now } = play(script)
        const { state: tried } = admit(state, now + 10)
        expect(succeeded(tried, tried.generation)).toMatchObject({ kind: 'closed', failures: 0 })
      }),
    )
  })
})

/** Calls begin and end in any order; the pause is 10. */
function play(script: readonly Step[]): { state: BreakerState; underWay: number[]; now: number } {
  let state = CLOSED
  let now = 0
  const underWay: number[] = []
  for (const step of script) {
    const before = state
    if (step.do === 'wait') now += 7
    else if (step.do === 'call') {
      const { isAdmitted, state: next } = admit(state, now)
      if (before.kind === 'halfOpen') expect(isAdmitted).toBe(false)
      state = next
      if (isAdmitted) underWay.push(state.generation)
    } else if (underWay.length > 0) {
      const [generation] = underWay.splice(step.call % underWay.length, 1)
      const retryAt = (): number => now + 10
      state = step.isOk
        ? succeeded(state, generation!)
        : failed(state, generation!, { opensAfter: OPENS_AFTER, retryAt })
    }
    expect(state.generation).toBeGreaterThanOrEqual(before.generation)
    if (state.kind !== before.kind) expect(state.generation).toBe(before.generation + 1)
  }
  return { state, underWay, now }
}
