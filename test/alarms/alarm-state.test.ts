import { describe, expect, it } from 'vitest'
import {
  acknowledge,
  changeLevel,
  clear,
  MAX_SHELVING_MS,
  raise,
  type Condition,
  shelve,
  unshelve,
} from '#alarms/alarm-state.ts'
import { isOpen, type Alarm } from '#domain/alarm.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { condition, NOON } from './alarm-fixtures.ts'

/** Neither suppressed nor first of a group. */
function raiseAfter(previous: Alarm | undefined, newId: string, found: Condition): Alarm {
  return raise(found, { previous, newId, isSuppressed: false, isFirst: false })
}

const raised = raiseAfter(undefined, '3-1', condition())

function codeOf(action: () => unknown): string {
  try {
    action()
    return 'none'
  } catch (error) {
    return isTelemetryError(error) ? error.code : 'other'
  }
}

describe('alarm state machine', () => {
  it('raises an alarm active and unacknowledged', () => {
    expect(raised).toMatchObject({
      id: '3-1',
      active: true,
      acknowledged: false,
      shelvedUntil: null,
      raisedAt: NOON,
      clearedAt: null,
      level: 'high',
    })
    expect(raised).not.toHaveProperty('time')
  })

  it('stays open until it is cleared and acknowledged, in either order', () => {
    const cleared = clear(raised, NOON + 1000)
    expect(isOpen(cleared)).toBe(true)
    expect(isOpen(acknowledge(cleared, NOON + 2000, 'ann'))).toBe(false)
    const acknowledged = acknowledge(raised, NOON + 500, 'ann')
    expect(isOpen(acknowledged)).toBe(true)
    expect(isOpen(clear(acknowledged, NOON + 1000))).toBe(false)
    expect(acknowledged).toMatchObject({ acknowledgedBy: 'ann', acknowledgedAt: NOON + 500 })
  })

  it('is the same occurrence when it comes again before anyone has acknowledged it', () => {
    const again = raiseAfter(clear(raised, NOON + 1000), '3-2', condition({ time: NOON + 2000 }))
    expect(again).toMatchObject({ id: '3-1', active: true, raisedAt: NOON + 2000, clearedAt: null })
  })

  it('is a new occurrence after it was closed, and inherits a shelving that still runs', () => {
    const shelved = shelve(raised, NOON, NOON + 60_000)
    const closed = acknowledge(clear(shelved, NOON + 1000), NOON + 1000, 'ann')
    expect(isOpen(closed)).toBe(true)
    expect(raiseAfter(closed, '3-2', condition())).toMatchObject({
      id: '3-2',
      acknowledged: false,
      acknowledgedBy: null,
      shelvedUntil: NOON + 60_000,
    })
  })

  it('asks for a new look at a graver level or the other side, not at the milder level', () => {
    const seen = acknowledge(raised, NOON, 'ann')
    const graver = changeLevel(seen, condition({ level: 'highHigh', severity: 'urgent', message: 'worse' }))
    expect(graver).toMatchObject({
      acknowledged: false,
      acknowledgedBy: null,
      level: 'highHigh',
      severity: 'urgent',
      message: 'worse',
    })
    const milder = changeLevel(acknowledge(graver, NOON, 'ann'), condition({ level: 'high' }))
    expect(milder).toMatchObject({ acknowledged: true, acknowledgedBy: 'ann', level: 'high', severity: 'medium' })
    expect(changeLevel(milder, condition({ level: 'low' })).acknowledged).toBe(false)
  })

  it('refuses what does not fit: acknowledging twice, ending no shelving, shelving into the past or for ever', () => {
    expect(codeOf(() => acknowledge(acknowledge(raised, NOON, 'ann'), NOON, 'ben'))).toBe('CONFLICT')
    expect(codeOf(() => unshelve(raised))).toBe('CONFLICT')
    expect(codeOf(() => shelve(raised, NOON, NOON))).toBe('OUT_OF_RANGE')
    expect(codeOf(() => shelve(raised, NOON, Number.NaN))).toBe('OUT_OF_RANGE')
    expect(codeOf(() => shelve(raised, NOON, NOON + MAX_SHELVING_MS + 1))).toBe('OUT_OF_RANGE')
    expect(codeOf(() => shelve(raised, NOON, NOON + MAX_SHELVING_MS))).toBe('none')
  })
})
