// A walk of random operations through the register, beside a model that restates the rules as plainly as possible.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import type { AlarmChange, AlarmEntry } from '#domain/alarm.ts'
import type { AlarmRules } from '#alarms/alarm-state.ts'
import type { ConditionLevel } from '#domain/check.ts'
import { condition, openDesk, type Desk } from './alarm-fixtures.ts'
import { EVERY_CHANGE, walks, type Step } from './walk-steps.ts'

interface Belief {
  id: string
  level: ConditionLevel
  active: boolean
  acknowledged: boolean
  shelvedUntil: number | null
  /** Asked for by the checks `zscore` and `second`; undefined: not asked for. */
  confirmed: boolean | undefined
  latched: boolean | undefined
  outOfService: boolean
  outUntil: number | null
  /** The operator has seen it since it was raised; only of one that is acknowledged. */
  wasAcknowledged: boolean
}

interface World {
  desk: Desk
  readonly beliefs: Map<string, Belief>
  readonly ids: Set<string>
  epoch: number
  /** Checks whose suppression holds, as the next start learns it: from the open alarms. */
  readonly suppressed: Set<string>
}

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

const RULES: Readonly<Record<string, AlarmRules>> = {
  threshold: { confirm: false, latch: false, group: null },
  zscore: { confirm: true, latch: false, group: null },
  second: { confirm: true, latch: true, group: null },
}

function isSilent({ suppressed, beliefs }: World, name: string): boolean {
  return suppressed.has(name) || beliefs.get(name)?.outOfService === true
}

function isDone({ acknowledged, confirmed, latched }: Belief): boolean {
  return acknowledged && confirmed !== false && latched !== true
}

function askAgain(belief: Belief): void {
  belief.acknowledged = false
  belief.wasAcknowledged = false
  if (belief.confirmed !== undefined) belief.confirmed = false
  if (belief.latched !== undefined) belief.latched = true
}

/** A silence ends: what nobody has seen, and still is active, asks for an operator. */
function speakUp(world: World, name: string): void {
  const belief = world.beliefs.get(name)
  if (belief?.active && !belief.wasAcknowledged && !isSilent(world, name)) askAgain(belief)
}

function silence(world: World, { kind, check: name }: Extract<Step, { readonly check: string }>, id: string): void {
  const { desk, suppressed, beliefs } = world
  const belief = beliefs.get(name)
  if (kind === 'suppress' || kind === 'unsuppress') {
    const was = suppressed.has(name)
    desk.book.setSuppressed(SENSOR, name, kind === 'suppress', 'because')
    if (kind === 'suppress') suppressed.add(name)
    else suppressed.delete(name)
    if (was && kind === 'unsuppress') speakUp(world, name)
    return
  }
  const isOut = kind === 'takeOut'
  const action = isOut
    ? () => desk.book.takeOutOfService(id, 'ann', null)
    : () => desk.book.returnToService(id, 'ann', null)
  const expected = !belief ? 'NOT_FOUND' : belief.outOfService === isOut ? 'CONFLICT' : null
  expect(attempt(action)).toBe(expected)
  if (!belief || expected !== null) return
  belief.outOfService = isOut
  belief.outUntil = null
  if (!isOut) speakUp(world, name)
}

/** Whether it has an alarm or not: a check without one gets what stands for it, which asks for nothing. */
function takeCheckOut(world: World, name: string, forMs: number | null): void {
  const { desk, beliefs, ids } = world
  const belief = beliefs.get(name)
  const { sensor, checkType, level, severity, message } = condition()
  const untilMs = forMs === null ? null : desk.now + forMs
  const service = { by: 'ann', comment: null, untilMs }
  const check = { sensor, check: name, checkType, level, severity, message }
  const expected = belief?.outOfService ? 'CONFLICT' : forMs !== null && forMs <= 0 ? 'OUT_OF_RANGE' : null
  expect(attempt(() => desk.book.takeCheckOutOfService(check, service))).toBe(expected)
  if (expected !== null) return
  if (belief) {
    belief.outOfService = true
    belief.outUntil = untilMs
    return
  }
  const { id } = desk.book.ofCheck(SENSOR, name)!
  expect(ids.has(id)).toBe(false)
  ids.add(id)
  beliefs.set(name, {
    id,
    level,
    active: false,
    acknowledged: true,
    shelvedUntil: null,
    confirmed: undefined,
    latched: undefined,
    outOfService: true,
    outUntil: untilMs,
    wasAcknowledged: false,
  })
}

function report(world: World, name: string, level: ConditionLevel): void {
  const belief = world.beliefs.get(name)
  const rules = RULES[name]!
  world.desk.book.report(condition({ check: name, level, rules }))
  const alarm = world.desk.book.ofCheck(SENSOR, name)!
  if (belief?.active) {
    const isSameOrMilder = level === belief.level || `${level}${level === 'high' ? 'High' : 'Low'}` === belief.level
    if (!isSameOrMilder && !isSilent(world, name)) askAgain(belief)
    belief.level = level
    return
  }
  const isNew = belief === undefined || isDone(belief)
  if (isNew) {
    expect(world.ids.has(alarm.id)).toBe(false)
    world.ids.add(alarm.id)
  } else {
    expect(alarm.id).toBe(belief.id)
  }
  const isQuiet = isSilent(world, name)
  world.beliefs.set(name, {
    id: alarm.id,
    level,
    active: true,
    acknowledged: isQuiet && (isNew || belief.acknowledged),
    shelvedUntil: belief?.shelvedUntil ?? null,
    confirmed: rules.confirm ? isQuiet : undefined,
    latched: rules.latch ? !isQuiet || (!isNew && belief.latched === true) : undefined,
    outOfService: belief?.outOfService ?? false,
    outUntil: belief?.outUntil ?? null,
    wasAcknowledged: false,
  })
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
      if (belief && !belief.acknowledged) belief.wasAcknowledged = true
      if (belief) belief.acknowledged = true
      break
    case 'confirm':
      expect(attempt(() => desk.book.confirm(id, 'ann', null))).toBe(
        !belief ? 'NOT_FOUND' : belief.confirmed !== false || !belief.acknowledged ? 'CONFLICT' : null,
      )
      if (belief?.confirmed === false && belief.acknowledged) belief.confirmed = true
      break
    case 'reset': {
      const canReset = belief?.latched === true && !belief.active && belief.acknowledged && belief.confirmed !== false
      expect(attempt(() => desk.book.reset(id, 'ann', null))).toBe(!belief ? 'NOT_FOUND' : canReset ? null : 'CONFLICT')
      if (belief && canReset) belief.latched = false
      break
    }
    case 'comment':
      expect(attempt(() => desk.book.comment(id, 'ann', 'seen'))).toBe(belief ? null : 'NOT_FOUND')
      break
    case 'takeCheckOut':
      takeCheckOut(world, step.check, step.forMs)
      break
    case 'suppress':
    case 'unsuppress':
    case 'takeOut':
    case 'putBack':
      silence(world, step, id)
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
      for (const [name, belief] of world.beliefs) {
        if (belief.shelvedUntil !== null && belief.shelvedUntil <= world.desk.now) belief.shelvedUntil = null
        if (belief.outUntil === null || belief.outUntil > world.desk.now) continue
        belief.outOfService = false
        belief.outUntil = null
        speakUp(world, name)
      }
      break
    case 'restart': {
      const { now } = world.desk
      journal.push(...world.desk.journal)
      world.epoch += 1
      world.desk = openDesk(lastTransitions(journal), world.epoch)
      world.desk.now = now
      for (const name of world.suppressed) if (!world.beliefs.has(name)) world.suppressed.delete(name)
      break
    }
    case 'report':
    case 'clear':
    case 'acknowledge':
    case 'shelve':
    case 'unshelve':
    case 'confirm':
    case 'reset':
    case 'suppress':
    case 'unsuppress':
    case 'takeOut':
    case 'putBack':
    case 'comment':
    case 'takeCheckOut':
      operate(world, step)
      break
  }
  for (const [name, belief] of world.beliefs) {
    const isKept = belief.active || !isDone(belief) || belief.shelvedUntil !== null || belief.outOfService
    if (!isKept) world.beliefs.delete(name)
  }
}

describe('register of alarms, walked at random', () => {
  it('always is in the state that the rules give, across restarts, and goes through every transition', () => {
    const seen = new Set<AlarmChange>()
    fc.assert(
      fc.property(walks, (steps) => {
        const world: World = {
          desk: openDesk([], 1),
          beliefs: new Map(),
          ids: new Set(),
          epoch: 1,
          suppressed: new Set(),
        }
        const journal: AlarmEntry[] = []
        for (const next of steps) {
          walk(world, journal, next)
          const { book } = world.desk
          expect(book.list().length).toBe(world.beliefs.size)
          for (const [name, belief] of world.beliefs) {
            const { outOfService, outUntil, wasAcknowledged: _, ...same } = belief
            const alarm = book.ofCheck(SENSOR, name)
            const { id, level, active, acknowledged, shelvedUntil, confirmed, latched } = alarm!
            expect({ id, level, active, acknowledged, shelvedUntil, confirmed, latched }).toEqual(same)
            expect(alarm!.outOfService === true).toBe(outOfService)
            expect(alarm!.outOfServiceUntil ?? null).toBe(outUntil)
            expect(alarm!.suppressed === true).toBe(world.suppressed.has(name))
            expect(book.get(belief.id)).toBe(book.ofCheck(SENSOR, name))
          }
          const open = new Set([...world.beliefs.values()].map(({ id }) => id))
          for (const id of world.ids) expect(book.get(id) !== undefined).toBe(open.has(id))
        }
        for (const { change } of [...journal, ...world.desk.journal]) seen.add(change)
      }),
      { numRuns: 400 },
    )
    expect([...seen].toSorted()).toEqual(EVERY_CHANGE.toSorted())
  })
})
