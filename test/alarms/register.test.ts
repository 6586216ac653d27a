import { describe, expect, it } from 'vitest'
import { condition, NOON, openDesk } from './alarm-fixtures.ts'

const SENSOR = 'press-1.oil-temperature'

describe('register of alarms', () => {
  it('journals each transition with who, why and the alarm as it is after it', () => {
    const desk = openDesk()
    desk.book.report(condition())
    const id = desk.book.list()[0]!.id
    desk.now = NOON + 1000
    desk.book.acknowledge(id, 'ann', 'pump is on its way')
    desk.book.shelve(id, NOON + 60_000, 'ann', null)
    desk.book.unshelve(id, 'ben')
    desk.book.clear(SENSOR, 'threshold', NOON + 900)
    expect(desk.journal.map(({ change, by, comment, time }) => [change, by, comment, time - NOON])).toEqual([
      ['raised', null, null, 0],
      ['acknowledged', 'ann', 'pump is on its way', 1000],
      ['shelved', 'ann', null, 1000],
      ['unshelved', 'ben', null, 1000],
      ['cleared', null, null, 1000],
    ])
    expect(desk.journal.map(({ alarm }) => alarm.id)).toEqual(['3-1', '3-1', '3-1', '3-1', '3-1'])
    expect(desk.journal.at(-1)!.alarm).toMatchObject({ active: false, acknowledged: true, clearedAt: NOON + 900 })
    expect(desk.book.list()).toEqual([])
  })

  it('keeps one alarm for each check, with ids that are never given twice', () => {
    const desk = openDesk()
    desk.book.report(condition())
    desk.book.report(condition({ check: 'zscore', checkType: 'zscore', level: 'anomaly' }))
    desk.book.report(condition({ level: 'highHigh' }))
    expect(desk.book.list().map(({ id, level }) => [id, level])).toEqual([
      ['3-1', 'highHigh'],
      ['3-2', 'anomaly'],
    ])
    desk.book.acknowledge('3-1', 'ann', null)
    desk.book.clear(SENSOR, 'threshold', NOON)
    desk.book.report(condition())
    expect(desk.book.ofCheck(SENSOR, 'threshold')!.id).toBe('3-3')
    expect(desk.book.get('3-1')).toBeUndefined()
  })

  it('does not journal what changes nothing', () => {
    const desk = openDesk()
    desk.book.clear(SENSOR, 'threshold', NOON)
    desk.book.report(condition())
    desk.book.report(condition({ finding: { value: 77, limit: 75 } }))
    expect(desk.journal.map(({ change }) => change)).toEqual(['raised'])
  })

  it('answers NOT_FOUND for an alarm that is not open', () => {
    const { book } = openDesk()
    for (const action of [
      () => book.acknowledge('3-9', 'ann', null),
      () => book.shelve('3-9', NOON + 1, 'ann', null),
      () => book.unshelve('3-9', 'ann'),
    ]) {
      expect(action).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    }
  })

  it('ends a shelving when its time is over, by itself', () => {
    const desk = openDesk()
    desk.book.report(condition())
    desk.book.shelve('3-1', NOON + 5000, 'ann', null)
    desk.now = NOON + 4999
    desk.book.tick()
    expect(desk.book.get('3-1')!.shelvedUntil).toBe(NOON + 5000)
    desk.now = NOON + 5000
    desk.book.tick()
    expect(desk.book.get('3-1')!.shelvedUntil).toBeNull()
    expect(desk.journal.at(-1)).toMatchObject({ change: 'unshelved', by: null, comment: 'The shelving time is over' })
  })

  it('goes on after a restart in the state that it had, with ids of the new epoch', () => {
    const before = openDesk()
    before.book.report(condition())
    before.book.report(condition({ sensor: 'press-2.oil-temperature' }))
    before.book.acknowledge('3-1', 'ann', null)
    const last = ['3-1', '3-2'].map((id) => before.journal.findLast(({ alarm }) => alarm.id === id)!)
    const after = openDesk(last, 4)
    expect(after.book.list()).toEqual(before.book.list())
    expect(after.journal).toEqual([])
    after.book.report(condition({ sensor: 'press-3.oil-temperature' }))
    expect(after.book.list().map(({ id }) => id)).toEqual(['3-1', '3-2', '4-1'])
  })

  it('tells every subscriber of each change, also when one of them fails', () => {
    const desk = openDesk()
    const heard: string[] = []
    desk.book.subscribe(() => {
      throw new Error('a listener that fails')
    })
    const stop = desk.book.subscribe(({ id, active }) => void heard.push(`${id} ${active}`))
    desk.book.report(condition())
    desk.book.clear(SENSOR, 'threshold', NOON)
    stop()
    desk.book.report(condition())
    expect(heard).toEqual(['3-1 true', '3-1 false'])
  })

  it('counts active alarms by severity', () => {
    const { book } = openDesk()
    book.report(condition({ severity: 'urgent' }))
    book.report(condition({ check: 'b', severity: 'urgent' }))
    book.report(condition({ check: 'c', severity: 'low' }))
    book.clear(SENSOR, 'b', NOON)
    expect(book.activeCounts()).toEqual({ low: 1, medium: 0, high: 0, urgent: 1 })
  })
})
