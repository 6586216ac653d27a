import { describe, expect, it } from 'vitest'
import { RowFilter } from '#uplinks/row-filter.ts'
import { ModelJournal, modelOf } from './model-journal.ts'

const alarm = (sensor: string): object => ({ kind: 'alarm', change: 'raised', alarm: { sensor } })

describe('The row filter', () => {
  it.each([
    [[], [], 'oven-2.temperature', true],
    [['*'], [], 'oven-2.temperature', true],
    [['press-*.*'], [], 'press-1.oil-temperature', true],
    [['press-*.*'], [], 'oven-2.temperature', false],
    [['*.temperature'], [], 'oven-2.temperature', true],
    [['*.temperature'], [], 'oven-2.temperature-2', false],
    [['*'], ['oven-?.*'], 'oven-2.temperature', false],
    [['oven-2.temperature'], [], 'oven-2xtemperature', false],
    [['press-*.*', 'oven-*.*'], ['*.speed'], 'oven-2.temperature', true],
  ])('with include %j and exclude %j says of %s: %s', (include, exclude, sensor, wanted) => {
    expect(new RowFilter(include, exclude).wants(sensor)).toBe(wanted)
  })

  it('chooses rows in order, alarms by their sensor, events always, and counts what it leaves out', async () => {
    const model = modelOf(['press-1.a', 'oven-1.a'])
    const journal = new ModelJournal()
    journal.append(1, 0)
    journal.append(0, 0)
    journal.append(7, 0) // no longer configured
    journal.appendEntry(alarm('press-1.a'))
    journal.appendEntry(alarm('oven-1.a'))
    journal.appendEntry(alarm('gone.a'))
    journal.appendEntry({ kind: 'event' })
    const batch = await journal.read({ epoch: 1, seq: 0 }, 100)
    const selection = new RowFilter(['press-*.*'], []).select(batch!, model)
    expect([...selection.rows.subarray(0, selection.rowCount)]).toEqual([1, 3, 6])
    expect(selection).toMatchObject({ filtered: 2, unknown: 2 })
  })

  it('follows a new model', async () => {
    const journal = new ModelJournal()
    journal.append(0, 0)
    const batch = await journal.read({ epoch: 1, seq: 0 }, 1)
    const filter = new RowFilter(['press-*.*'], [])
    expect(filter.select(batch!, modelOf(['press-1.a'])).rowCount).toBe(1)
    expect(filter.select(batch!, modelOf(['oven-1.a'])).rowCount).toBe(0)
    expect(filter.select(batch!, modelOf([])).unknown).toBe(1)
  })
})
