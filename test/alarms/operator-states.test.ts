// Confirmation, latching, suppression, out of service, one-shot shelving, first-out, comments: one behaviour each.

import { describe, expect, it } from 'vitest'
import type { AlarmRules } from '#alarms/alarm-state.ts'
import { isTelemetryError } from '#domain/errors.ts'
import type { AlarmEntry } from '#domain/alarm.ts'
import { condition, NOON, openDesk, type Desk } from './alarm-fixtures.ts'

const SENSOR = condition().sensor

function raise(desk: Desk, rules: Partial<AlarmRules> = {}, check = 'threshold'): string {
  desk.book.report(condition({ check, rules: { confirm: false, latch: false, group: null, ...rules } }))
  return desk.book.ofCheck(SENSOR, check)!.id
}

function codeOf(action: () => unknown): string {
  try {
    action()
    return 'none'
  } catch (error) {
    return isTelemetryError(error) ? error.code : 'other'
  }
}

const changes = (desk: Desk): string[] => desk.journal.map(({ change }) => change)

/** What the store gives back at the next start. */
function lastTransitions(journal: readonly AlarmEntry[]): AlarmEntry[] {
  return [...new Map(journal.map((entry) => [entry.alarm.id, entry])).values()]
}

describe('confirmation', () => {
  it('keeps the alarm until it is confirmed, after the acknowledgement and by somebody', () => {
    const desk = openDesk()
    const id = raise(desk, { confirm: true })
    expect(codeOf(() => desk.book.confirm(id, 'ann', null))).toBe('CONFLICT')
    desk.book.acknowledge(id, 'ann', null)
    desk.book.clear(SENSOR, 'threshold', NOON)
    expect(desk.book.get(id)).toMatchObject({ confirmed: false, active: false })
    expect(desk.book.confirm(id, 'bob', 'valve replaced')).toMatchObject({ confirmed: true, confirmedBy: 'bob' })
    expect(desk.book.get(id)).toBeUndefined()
    expect(desk.journal.at(-1)).toMatchObject({ change: 'confirmed', by: 'bob', comment: 'valve replaced' })
  })

  it('is refused where the check asks for none', () => {
    const desk = openDesk()
    const id = raise(desk)
    desk.book.acknowledge(id, 'ann', null)
    expect(codeOf(() => desk.book.confirm(id, 'ann', null))).toBe('CONFLICT')
  })

  it('is asked for again when the alarm comes again before it was given', () => {
    const desk = openDesk()
    const id = raise(desk, { confirm: true })
    desk.book.acknowledge(id, 'ann', null)
    desk.book.clear(SENSOR, 'threshold', NOON)
    expect(raise(desk, { confirm: true })).toBe(id)
    expect(desk.book.get(id)).toMatchObject({ acknowledged: false, confirmed: false, active: true })
  })
})

describe('a latched alarm', () => {
  it('stays until it is reset, which needs it to be over and acknowledged', () => {
    const desk = openDesk()
    const id = raise(desk, { latch: true })
    expect(codeOf(() => desk.book.reset(id, 'ann', null))).toBe('CONFLICT')
    desk.book.clear(SENSOR, 'threshold', NOON)
    expect(codeOf(() => desk.book.reset(id, 'ann', null))).toBe('CONFLICT')
    desk.book.acknowledge(id, 'ann', null)
    expect(desk.book.get(id)).toMatchObject({ latched: true, active: false, acknowledged: true })
    desk.book.reset(id, 'ann', null)
    expect(desk.book.get(id)).toBeUndefined()
    expect(changes(desk)).toEqual(['raised', 'cleared', 'acknowledged', 'reset'])
  })
})

describe('suppression', () => {
  it('lets an alarm come and go without asking for anything', () => {
    const desk = openDesk()
    desk.book.setSuppressed(SENSOR, 'threshold', true, 'stopped')
    const id = raise(desk, { confirm: true, latch: true })
    expect(desk.book.get(id)).toMatchObject({ suppressed: true, active: true, acknowledged: true })
    desk.book.clear(SENSOR, 'threshold', NOON)
    expect(desk.book.get(id)).toBeUndefined()
    expect(desk.book.measures().inTenMinutes).toBe(0)
  })

  it('asks for everything once it ends while the alarm is active', () => {
    const desk = openDesk()
    desk.book.setSuppressed(SENSOR, 'threshold', true, 'stopped')
    const id = raise(desk, { confirm: true, latch: true })
    desk.book.setSuppressed(SENSOR, 'threshold', false, 'running')
    expect(desk.book.get(id)).toMatchObject({ active: true, acknowledged: false, confirmed: false, latched: true })
    expect(desk.book.get(id)).not.toHaveProperty('suppressed')
    expect(desk.journal.at(-1)).toMatchObject({ change: 'unsuppressed', comment: 'running' })
  })

  it('does not take away what an operator had still to acknowledge', () => {
    const desk = openDesk()
    const id = raise(desk)
    desk.book.setSuppressed(SENSOR, 'threshold', true, 'stopped')
    desk.book.clear(SENSOR, 'threshold', NOON)
    expect(desk.book.get(id)).toMatchObject({ acknowledged: false, suppressed: true })
  })

  it('goes on after a restart', () => {
    const desk = openDesk()
    const id = raise(desk)
    desk.book.setSuppressed(SENSOR, 'threshold', true, 'stopped')
    const again = openDesk(lastTransitions(desk.journal), 4)
    expect(again.book.get(id)).toMatchObject({ suppressed: true })
    expect(again.book.isSuppressed(SENSOR, 'threshold')).toBe(true)
  })
})

describe('out of service', () => {
  it('holds over closing, new occurrences and a restart, until it is returned', () => {
    const desk = openDesk()
    const id = raise(desk)
    desk.book.takeOutOfService(id, 'ann', 'calibration')
    desk.book.acknowledge(id, 'ann', null)
    desk.book.clear(SENSOR, 'threshold', NOON)
    expect(desk.book.get(id)).toMatchObject({ outOfService: true, active: false })
    const again = openDesk(lastTransitions(desk.journal), 4)
    const next = raise(again)
    expect(next).not.toBe(id)
    expect(again.book.get(next)).toMatchObject({ outOfService: true, acknowledged: true, active: true })
    expect(
      lastTransitions([...desk.journal, ...again.journal]).find(({ alarm }) => alarm.id === id)!.alarm,
    ).not.toHaveProperty('outOfService')
    again.book.returnToService(next, 'ann', null)
    expect(again.book.get(next)).toMatchObject({ acknowledged: false, active: true })
    expect(codeOf(() => again.book.returnToService(next, 'ann', null))).toBe('CONFLICT')
  })
})

describe('a check without an alarm', () => {
  const { sensor, check, checkType, level, severity } = condition()
  const quiet = { sensor, check, checkType, level, severity, message: 'The check is out of service' }
  const service = { by: 'ann', comment: 'calibration', untilMs: null }

  it('goes out of service in the journal, over a restart and the alarm that then comes, until it is returned', () => {
    const desk = openDesk()
    const { id } = desk.book.takeCheckOutOfService(quiet, service)
    expect(desk.journal.at(-1)).toMatchObject({ change: 'outOfService', by: 'ann', comment: 'calibration' })
    expect(desk.book.measures()).toMatchObject({ active: 0, unacknowledged: 0, outOfService: 1 })
    const again = openDesk(lastTransitions(desk.journal), 4)
    expect(again.book.get(id)).toMatchObject({ neverRaised: true, outOfService: true })
    const raised = raise(again)
    expect(again.book.get(raised)).toMatchObject({ active: true, outOfService: true, acknowledged: true })
    expect(again.book.get(raised)).not.toHaveProperty('neverRaised')
    expect(again.book.measures().inTenMinutes).toBe(0)
    expect(changes(again)).toEqual(['inService', 'raised'])
    again.book.returnToService(raised, 'bob', null)
    expect(again.book.get(raised)).toMatchObject({ active: true, acknowledged: false })
  })

  it('returns by itself when its time is over, also that of the alarm that came meanwhile', () => {
    const desk = openDesk()
    desk.book.takeCheckOutOfService(quiet, { ...service, untilMs: NOON + 1000 })
    const id = raise(desk)
    expect(desk.book.get(id)).toMatchObject({ outOfServiceUntil: NOON + 1000 })
    desk.now = NOON + 1000
    desk.book.tick()
    expect(desk.book.get(id)).toMatchObject({ active: true, acknowledged: false })
    expect(desk.book.get(id)).not.toHaveProperty('outOfServiceUntil')
    expect(desk.journal.at(-1)).toMatchObject({ change: 'inService', by: null, comment: expect.stringMatching('over') })
  })

  it('leaves nothing behind when it is returned', () => {
    const desk = openDesk()
    const { id } = desk.book.takeCheckOutOfService(quiet, service)
    expect(codeOf(() => desk.book.takeCheckOutOfService(quiet, service))).toBe('CONFLICT')
    desk.book.returnToService(id, 'bob', 'done')
    expect(desk.book.list()).toEqual([])
    const late = { ...service, untilMs: NOON + 366 * 86_400_000 }
    expect(codeOf(() => desk.book.takeCheckOutOfService(quiet, late))).toBe('OUT_OF_RANGE')
  })
})

describe('one-shot shelving', () => {
  it('ends when the alarm clears, with the reason', () => {
    const desk = openDesk()
    const id = raise(desk)
    desk.book.shelve(id, NOON + 3_600_000, 'ann', null, 'oneShot')
    desk.book.acknowledge(id, 'ann', null)
    desk.book.clear(SENSOR, 'threshold', NOON)
    expect(desk.book.get(id)).toBeUndefined()
    expect(changes(desk)).toEqual(['raised', 'shelved', 'acknowledged', 'cleared', 'unshelved'])
  })

  it('ends at its maximum all the same', () => {
    const desk = openDesk()
    const id = raise(desk)
    desk.book.shelve(id, NOON + 1000, 'ann', null, 'oneShot')
    desk.now = NOON + 1001
    desk.book.tick()
    expect(desk.book.get(id)).toMatchObject({ shelvedUntil: null, active: true })
    expect(desk.book.get(id)).not.toHaveProperty('shelving')
  })
})

describe('first-out', () => {
  it('marks the alarm that came while none of its group was active, and anew once all are over', () => {
    const desk = openDesk()
    raise(desk, { group: 'trip' }, 'a')
    raise(desk, { group: 'trip' }, 'b')
    raise(desk, { group: 'other' }, 'c')
    const marks = (): (boolean | undefined)[] =>
      ['a', 'b', 'c'].map((check) => desk.book.ofCheck(SENSOR, check)?.firstOut)
    expect(marks()).toEqual([true, false, true])
    desk.book.clear(SENSOR, 'a', NOON)
    desk.book.clear(SENSOR, 'b', NOON)
    raise(desk, { group: 'trip' }, 'b')
    expect(marks()).toEqual([true, true, true])
  })
})

describe('comments', () => {
  it('are kept at the alarm and in the journal, with who and when', () => {
    const desk = openDesk()
    const id = raise(desk)
    expect(desk.book.comment(id, 'ann', 'Pump is on order').lastComment).toEqual({
      text: 'Pump is on order',
      by: 'ann',
      time: NOON,
    })
    expect(desk.journal.at(-1)).toMatchObject({ change: 'commented', by: 'ann', comment: 'Pump is on order' })
    expect(desk.book.get(id)!.acknowledged).toBe(false)
  })
})

describe('measures', () => {
  it('tells a flood from its begin to its end', () => {
    const desk = openDesk()
    for (let n = 0; n < 11; n++) raise(desk, {}, `c${n}`)
    expect(desk.book.measures()).toMatchObject({ inTenMinutes: 11, flood: { isActive: true, since: NOON } })
    desk.now += 600_001
    desk.book.tick()
    expect(desk.book.measures()).toMatchObject({ inTenMinutes: 0, flood: { isActive: false } })
    expect(desk.events).toEqual(['alarm-flood-began', 'alarm-flood-ended'])
  })

  it('tells what chatters, once, until it is quiet', () => {
    const desk = openDesk()
    for (let n = 0; n < 5; n++) {
      raise(desk)
      desk.book.clear(SENSOR, 'threshold', NOON)
      desk.now += 10_000
    }
    expect(desk.events).toEqual(['alarm-chattering-began'])
    desk.now += 60_000
    desk.book.tick()
    expect(desk.events).toEqual(['alarm-chattering-began', 'alarm-chattering-ended'])
  })

  it('counts what stands and what is put aside', () => {
    const desk = openDesk()
    raise(desk, {}, 'shown')
    desk.book.shelve(raise(desk, {}, 'shelved'), desk.now + 1000, 'ann', null)
    desk.book.takeOutOfService(raise(desk, {}, 'out'), 'ann', null)
    expect(desk.book.measures()).toMatchObject({ active: 3, unacknowledged: 3, shelved: 1, outOfService: 1 })
  })
})
