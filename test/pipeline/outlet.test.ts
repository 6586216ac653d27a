import { describe, expect, it } from 'vitest'
import type { EventEntry } from '#domain/alarm.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { metric, openTestBed, type TestBed } from './test-bed.ts'

const { Good } = Status
const CAPACITY = 1024

function event(type: string, data: Record<string, unknown> = {}): EventEntry {
  return { kind: 'event', type, severity: 'info', time: 1, message: type, source: 'gateway', data }
}

function fill(bed: TestBed, count: number): void {
  for (let at = 0; at < count; at++) bed.pipeline.sink.number(0, at, Good, NO_TIME)
}

function typesOf(bed: TestBed): string[] {
  return bed.taken().entries.map((entry) => (entry.kind === 'event' ? entry.type : entry.change))
}

const dropped = (bed: TestBed, reason: string) =>
  metric(bed.registry, 'telemetryx_dropped_total', { stage: 'pipeline', reason })

describe('the way into a ring that fills up', () => {
  it('has no more room while there still is some for answers under way, says so, and again when it has drained', async () => {
    const bed = openTestBed({ sensors: [{}], capacity: CAPACITY })
    fill(bed, CAPACITY - 258)
    expect(bed.pipeline.hasRoom()).toBe(true)
    fill(bed, 1)
    expect(bed.pipeline.hasRoom()).toBe(false)
    await bed.clock.advance(1234)
    expect(bed.ring.capacity - bed.ring.fill).toBeGreaterThan(200)
    bed.consumer.take(10)
    expect(bed.pipeline.hasRoom()).toBe(false)
    const { entries } = bed.taken()
    expect(bed.pipeline.hasRoom()).toBe(true)
    expect(entries).toMatchObject([{ type: 'ring-blocked', severity: 'warning', data: { capacity: CAPACITY } }])
    expect(bed.taken().entries).toMatchObject([{ type: 'ring-resumed', data: { blockedMs: 1234, lostReadings: 0 } }])
    expect(await dropped(bed, 'ring-full')).toBe(0)
  })

  it('notices by itself that there is room again', async () => {
    const bed = openTestBed({ sensors: [{}], capacity: CAPACITY })
    fill(bed, CAPACITY - 100)
    expect(bed.pipeline.hasRoom()).toBe(false)
    expect(typesOf(bed)).toEqual(['ring-blocked'])
    await bed.clock.advance(300)
    expect(typesOf(bed)).toEqual(['ring-resumed'])
  })

  it('keeps headroom for one answer of each sensor and its alarms', () => {
    const bed = openTestBed({ sensors: Array.from({ length: 100 }, () => ({})), capacity: CAPACITY })
    fill(bed, CAPACITY - 456)
    expect(bed.pipeline.hasRoom()).toBe(true)
    fill(bed, 1)
    expect(bed.pipeline.hasRoom()).toBe(false)
  })

  it('counts readings that find the ring full, and still shows them and raises their alarms', async () => {
    const bed = openTestBed({ sensors: [{}, { checks: [{ type: 'threshold', high: 5 }] }], capacity: CAPACITY })
    fill(bed, CAPACITY + 50)
    bed.pipeline.sink.number(1, 9, Good, NO_TIME)
    bed.pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
    expect(await dropped(bed, 'ring-full')).toBe(52)
    expect(bed.pipeline.latest.read(1)!.value).toBe(9)
    expect(bed.pipeline.alarms.list()).toMatchObject([{ active: true }])
    expect(bed.taken().readings).toHaveLength(CAPACITY)
    bed.pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
    const { readings, entries } = bed.taken()
    expect(readings).toMatchObject([{ sensor: 0, status: 'BadTimeout' }])
    expect(entries.map((entry) => (entry.kind === 'event' ? entry.type : entry.change))).toEqual([
      'ring-blocked',
      'raised',
    ])
    await bed.clock.advance(250)
    expect(bed.taken().entries).toMatchObject([{ type: 'ring-resumed', data: { lostReadings: 52 } }])
  })

  it('lets no entry be lost, and keeps their order, before any later reading', () => {
    const bed = openTestBed({ sensors: [{}], capacity: CAPACITY })
    fill(bed, CAPACITY)
    for (let at = 0; at < 500; at++) expect(bed.pipeline.record(event(`e${at}`))).toBe(true)
    const first = bed.consumer.take(100)
    expect(first!.length).toBe(100)
    bed.pipeline.sink.number(0, -1, Good, NO_TIME)
    const { readings, entries } = bed.taken()
    expect(readings.every(({ value }) => value !== -1)).toBe(true)
    expect(entries).toHaveLength(100)
    bed.pipeline.sink.number(0, -2, Good, NO_TIME)
    const rest = bed.taken()
    expect(rest.readings.map(({ value }) => value)).toEqual([-2])
    const types = [...entries, ...rest.entries].map((entry) => (entry.kind === 'event' ? entry.type : ''))
    expect(types.filter((type) => type.startsWith('e'))).toEqual(Array.from({ length: 500 }, (_, at) => `e${at}`))
  })

  it('gives up entries only when thousands wait already, and counts them', async () => {
    const bed = openTestBed({ sensors: [{}], capacity: CAPACITY })
    fill(bed, CAPACITY)
    let taken = 0
    while (bed.pipeline.record(event('e'))) taken += 1
    expect(taken).toBeGreaterThan(10_000)
    expect(await dropped(bed, 'entry-queue-full')).toBe(1)
  })

  it('refuses an entry that would crowd out all others', async () => {
    const bed = openTestBed({ sensors: [{}] })
    expect(bed.pipeline.record(event('large', { text: 'x'.repeat(70_000) }))).toBe(false)
    expect(bed.pipeline.record(event('whole', { counter: 2n ** 60n }))).toBe(true)
    expect(await dropped(bed, 'entry-too-large')).toBe(1)
    expect(bed.taken().entries).toMatchObject([{ type: 'whole', data: { counter: '1152921504606846976' } }])
  })

  it('blocks when the text of the ring is full though its records are not', async () => {
    const bed = openTestBed({ sensors: [{ valueType: 'string' }], capacity: CAPACITY })
    for (let at = 0; at < 30; at++) bed.pipeline.sink.text(0, `${at}`.padEnd(4000, '.'), Good, NO_TIME)
    expect(await dropped(bed, 'ring-full')).toBeGreaterThan(5)
    expect(bed.pipeline.hasRoom()).toBe(false)
    const { readings } = bed.taken()
    expect(bed.pipeline.hasRoom()).toBe(true)
    expect(readings.map(({ value }) => Number.parseInt(String(value), 10))).toEqual(readings.map((_, at) => at))
  })

  it('always has room under dropOldest, and drops no new reading', async () => {
    const bed = openTestBed({ sensors: [{}], capacity: CAPACITY, whenFull: 'dropOldest' })
    fill(bed, 5000)
    expect(bed.pipeline.hasRoom()).toBe(true)
    expect(await dropped(bed, 'ring-full')).toBe(0)
    expect(bed.passed().at(-1)).toBe(4999)
  })

  it('puts what waits into the ring when it closes', () => {
    const bed = openTestBed({ sensors: [{}], capacity: CAPACITY })
    fill(bed, CAPACITY)
    bed.pipeline.record(event('last'))
    bed.taken()
    bed.pipeline.close()
    expect(typesOf(bed)).toContain('last')
    expect(bed.clock.pending).toBe(0)
  })
})
