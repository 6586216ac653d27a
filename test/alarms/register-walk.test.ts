// A walk of random operations through the register, beside a model that restates the rules as plainly as possible.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import type { AlarmEntry } from '#domain/alarm.ts'
import type { ConditionLevel } from '#domain/check.ts'
import { condition, openDesk, type Desk } from './alarm-fixtures.ts'

const CHECKS = ['threshold', 'zscore', 'second'] as const
const LEVELS = ['lowLow', 'low', 'high', 'highHigh'] as const

interface Belief {
  id: string
  level: ConditionLevel
  active: boolean
  acknowledged: boolean
  shelvedUntil: number | null
}

interface World {
  desk: Desk
  readonly beliefs: Map<string, Belief>
  readonly ids: Set<string>
  epoch: number
}

type Step =
  | { readonly kind: 'report'; readonly check: string; readonly level: (typeof LEVELS)[number] }
  | { readonly kind: 'clear' | 'acknowledge' | 'unshelve'; readonly check: string }
  | { readonly kind: 'shelve'; readonly check: string; readonly forMs: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' }

const check = fc.constantFrom(...CHECKS)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('report' as const), check, level: fc.constantFrom(...LEVELS) }),
  fc.record({ kind: fc.constantFrom('clear' as const, 'acknowledge' as const, 'unshelve' as const), check }),
  fc.record({ kind: fc.constant('shelve' as const), check, forMs: fc.integer({ min: -5, max: 50 }) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 30 }) }),
  fc.record({ kind: fc.constant('restart' as const) }),
)

const SENSOR = condition().sensor

/** Does it, and answers the code of the error, or null. */
function attempt(action: () => unknown): string | null {
  try {
    action()
    return null
  } catch (error) {
    if (isTelemetryError(error)) return error.code
    throw error
  }
}

function report(world: World, name: string, level: ConditionLevel): void {
  const belief = world.beliefs.get(name)
  world.desk.book.report(condition({ check: name, level }))
  const alarm = world.desk.book.ofCheck(SENSOR, name)!
  if (belief?.active) {
    const isSameOrMilder = level === belief.level || `${level}${level === 'high' ? 'High' : 'Low'}` === belief.level
    if (!isSameOrMilder) belief.acknowledged = false
    belief.level = level
    return
  }
  const isNew = belief === undefined || belief.acknowledged
  if (isNew) {
    expect(world.ids.has(alarm.id)).toBe(false)
    world.ids.add(alarm.id)
  } else {
    expect(alarm.id).toBe(belief.id)
  }
  const shelvedUntil = belief?.shelvedUntil ?? null
  world.beliefs.set(name, { id: alarm.id, level, active: true, acknowledged: false, shelvedUntil })
}

function operate(world: World, step: Extract<Step, { readonly check: string }>): void {
  const { desk, beliefs } = world
  const belief = beliefs.get(step.check)
  const id = belief?.id ?? 'none'
  switch (step.kind) {
    case 'report':
      report(world, step.check, step.level)
      break
    case 'clear':
      desk.book.clear(SENSOR, step.check, desk.now)
      if (belief) belief.active = false
      break
    case 'acknowledge':
      expect(attempt(() => desk.book.acknowledge(id, 'ann', null))).toBe(
        !belief ? 'NOT_FOUND' : belief.acknowledged ? 'CONFLICT' : null,
      )
      if (belief) belief.acknowledged = true
      break
    case 'shelve':
      expect(attempt(() => desk.book.shelve(id, desk.now + step.forMs, 'ann', null))).toBe(
        !belief ? 'NOT_FOUND' : step.forMs <= 0 ? 'OUT_OF_RANGE' : null,
      )
      if (belief && step.forMs > 0) belief.shelvedUntil = desk.now + step.forMs
      break
    case 'unshelve':
      expect(attempt(() => desk.book.unshelve(id, 'ann'))).toBe(
        !belief ? 'NOT_FOUND' : belief.shelvedUntil === null ? 'CONFLICT' : null,
      )
      if (belief) belief.shelvedUntil = null
      break
  }
}

/** What the store gives back: the last transition of each alarm. */
function lastTransitions(journal: readonly AlarmEntry[]): AlarmEntry[] {
  return [...new Map(journal.map((entry) => [entry.alarm.id, entry])).values()]
}

function walk(world: World, journal: AlarmEntry[], step: Step): void {
  switch (step.kind) {
    case 'wait':
      world.desk.now += step.ms
      world.desk.book.tick()
      for (const belief of world.beliefs.values()) {
        if (belief.shelvedUntil !== null && belief.shelvedUntil <= world.desk.now) belief.shelvedUntil = null
      }
      break
    case 'restart': {
      const { now } = world.desk
      journal.push(...world.desk.journal)
      world.epoch += 1
      world.desk = openDesk(lastTransitions(journal), world.epoch)
      world.desk.now = now
      break
    }
    case 'report':
    case 'clear':
    case 'acknowledge':
    case 'shelve':
    case 'unshelve':
      operate(world, step)
      break
  }
  for (const [name, belief] of world.beliefs) {
    if (!belief.active && belief.acknowledged && belief.shelvedUntil === null) world.beliefs.delete(name)
  }
}

describe('register of alarms, walked at random', () => {
  it('always is in the state that the rules give, across restarts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const world: World = { desk: openDesk([], 1), beliefs: new Map(), ids: new Set(), epoch: 1 }
        const journal: AlarmEntry[] = []
        for (const next of steps) {
          walk(world, journal, next)
          const { book } = world.desk
          expect(book.list().length).toBe(world.beliefs.size)
          for (const [name, belief] of world.beliefs) {
            expect(book.ofCheck(SENSOR, name)).toMatchObject(belief)
            expect(book.get(belief.id)).toBe(book.ofCheck(SENSOR, name))
          }
          const open = new Set([...world.beliefs.values()].map(({ id }) => id))
          for (const id of world.ids) expect(book.get(id) !== undefined).toBe(open.has(id))
        }
      }),
      { numRuns: 400 },
    )
  })
})
