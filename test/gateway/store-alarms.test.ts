import { describe, expect, it } from 'vitest'
import type { AlarmEntry, EventEntry } from '#domain/alarm.ts'
import type { StoreStatus } from '#domain/history.ts'
import { StoreAlarms } from '#gateway/store-alarms.ts'
import { openTestBed, testModel, testSensor, type TestBed } from '../pipeline/test-bed.ts'

const OK: StoreStatus = { state: 'ok', bytes: 0, writtenBytes: 0, durableRecords: 0, reason: null, quarantined: null }

function told(type: string): EventEntry {
  return { kind: 'event', type, severity: 'error', time: 0, message: `It says ${type}`, source: 'gateway' }
}

/** Checks of the alarms that are active. */
function active({ pipeline }: TestBed): string[] {
  return pipeline.alarms.list().flatMap((alarm) => (alarm.active ? [`${alarm.sensor}/${alarm.check}`] : []))
}

describe('alarms about the store', () => {
  it('are raised once for each fault and cleared when the store says that it is over', () => {
    const bed = openTestBed({ sensors: [{}] })
    const alarms = new StoreAlarms(bed.pipeline, OK)
    for (const type of ['store-failing', 'store-failing', 'store-retention', 'store-quarantined'])
      alarms.hear(told(type))
    expect(active(bed)).toEqual(['gateway.store/writable', 'gateway.store/sound'])
    expect(bed.pipeline.alarms.list()[0]).toMatchObject({ message: 'It says store-failing', acknowledged: false })
    alarms.hear(told('store-recovered'))
    alarms.hear(told('store-salvaged'))
    expect(active(bed)).toEqual([])
    expect(bed.pipeline.alarms.list()).toHaveLength(2) // nobody has acknowledged them
    expect(bed.transitions()).toEqual(['raised fault', 'raised fault', 'cleared fault', 'cleared fault'])
    bed.pipeline.close()
  })

  it('outlive a change of the configuration, and a start only while their cause does', () => {
    const first = openTestBed({ sensors: [{}] })
    const alarms = new StoreAlarms(first.pipeline, OK)
    alarms.hear(told('store-failing'))
    alarms.hear(told('store-quarantined'))
    first.pipeline.replaceModel(testModel([testSensor({}, 0)]))
    expect(active(first)).toHaveLength(2)
    const openAlarms = first.taken().entries.filter((entry): entry is AlarmEntry => entry.kind === 'alarm')
    first.pipeline.close()
    const again = openTestBed({ sensors: [{}], openAlarms, epoch: 2 })
    expect(active(again)).toHaveLength(2)
    expect(new StoreAlarms(again.pipeline, { ...OK, quarantined: 'telemetryx.db.corrupt' })).toBeDefined()
    expect(active(again)).toEqual(['gateway.store/sound'])
    again.pipeline.close()
  })
})
