import { describe, expect, it } from 'vitest'
import type { RecordBatch } from '#domain/reading.ts'
import { SensorMap } from '#uplinks/sensor-map.ts'
import { forwarderBed, never } from './forwarder-bed.ts'
import { ModelJournal, modelOf } from './model-journal.ts'

const MODEL = modelOf(['press-1.oil', 'press-2.oil', 'oven-1.door'])
const MAP = new SensorMap([
  { sensor: 'press-1.oil', as: 'line-a.temp', machine: 'line-a' },
  { sensor: 'press-*.*', as: 'p*.x-*', machine: null },
])

describe('A map of sensors', () => {
  it('gives sensors other ids, and keeps numbers, units and what it does not name', () => {
    const mapped = MAP.model(MODEL)
    expect(mapped.sensors.map(({ id, device, name, machine, number }) => [id, device, name, machine, number])).toEqual([
      ['line-a.temp', 'line-a', 'temp', 'line-a', 0],
      ['p2.x-oil', 'p2', 'x-oil', 'press-2', 1],
      ['oven-1.door', 'oven-1', 'door', 'oven-1', 2],
    ])
    expect(mapped.sensor('line-a.temp')?.number).toBe(0)
    expect(mapped.sensor('press-1.oil')).toBeUndefined()
    expect(mapped.sensorAt(1)?.id).toBe('p2.x-oil')
    expect(mapped.machines.map(({ id }) => id)).toContain('line-a')
    expect(MAP.model(MODEL)).toBe(mapped)
  })

  it('gives alarms the new id, and leaves events and readings alone', async () => {
    const journal = new ModelJournal()
    journal.appendEntry({ kind: 'alarm', alarm: { sensor: 'press-1.oil', message: 'hot' } })
    journal.appendEntry({ kind: 'event', message: 'press-1.oil' })
    journal.append(0, 1)
    const batch = (await journal.read({ epoch: 1, seq: 0 }, 10)) as RecordBatch
    const { texts } = MAP.batch(batch, MODEL)
    expect(JSON.parse(texts.get(0)!)).toEqual({ kind: 'alarm', alarm: { sensor: 'line-a.temp', message: 'hot' } })
    expect(texts.get(1)).toBe(batch.texts.get(1))
    expect(new SensorMap([]).batch(batch, MODEL)).toBe(batch)
  })

  it('is what the connection of an uplink sees', async () => {
    const bed = forwarderBed({ map: [{ sensor: 'press-1.*', as: 'x.*', machine: null }], include: ['press-1.a'] })
    await bed.forwarder.start()
    bed.push(1)
    bed.alarm('press-1.a')
    await bed.clock.advance(0)
    expect(bed.receiver.context!.model().sensorAt(0)?.id).toBe('x.a')
    expect(bed.receiver.texts.map((text) => (JSON.parse(text) as { alarm: object }).alarm)).toMatchObject([
      { sensor: 'x.a' },
    ])
    await bed.forwarder.stop(never)
  })
})
