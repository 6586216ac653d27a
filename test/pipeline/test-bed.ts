// A pipeline on a real ring with a real consumer, whose records come back as plain objects.

import type { AlarmEntry, Entry } from '#domain/alarm.ts'
import { ENTRY } from '#domain/reading.ts'
import { statusName } from '#domain/quality.ts'
import type { Model, Sensor } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Registry } from '#kit/metrics.ts'
import { valueAt } from '#kit/record-batch.ts'
import { RingConsumer, RingProducer } from '#kit/record-ring.ts'
import { allocateRing } from '#kit/ring-memory.ts'
import type { DetectorMemory } from '#pipeline/detector-memory.ts'
import { createPipeline, type Pipeline } from '#pipeline/pipeline.ts'

export interface JournalledReading {
  readonly sensor: number
  readonly value: Value | null
  readonly status: string
  readonly sourceTime: number
  readonly receivedAt: number
}

export interface TestBed {
  readonly clock: ManualClock
  readonly registry: Registry
  readonly ring: RingProducer
  readonly consumer: RingConsumer
  readonly pipeline: Pipeline
  /** Takes everything out of the ring. */
  readonly taken: () => { readings: JournalledReading[]; entries: Entry[] }
  /** Values of the readings that have passed since the last look. */
  readonly passed: () => (Value | null)[]
  /** Alarm transitions since the last look: `raised high`. */
  readonly transitions: () => string[]
}

export interface TestBedOptions {
  readonly sensors: readonly Partial<Sensor>[]
  readonly capacity?: number
  readonly whenFull?: 'block' | 'dropOldest'
  readonly openAlarms?: readonly AlarmEntry[]
  readonly epoch?: number
  readonly memory?: DetectorMemory
}

/** A sensor `d.sN`; number by its place in the list. */
export function testSensor(changes: Partial<Sensor>, number: number): Sensor {
  return {
    number,
    id: `d.s${number}`,
    device: 'd',
    name: `s${number}`,
    description: '',
    machine: 'm',
    valueType: 'number',
    unit: '',
    writable: false,
    scale: null,
    deadband: null,
    checks: [],
    ...changes,
  }
}

export function testModel(sensors: readonly Sensor[]): Model {
  return {
    gateway: 'edge',
    factories: [],
    machines: [],
    sensors,
    sensor: (id) => sensors.find((sensor) => sensor.id === id),
    sensorAt: (number) => sensors.find((sensor) => sensor.number === number),
  }
}

export function openTestBed(options: TestBedOptions): TestBed {
  const clock = new ManualClock()
  const registry = new Registry()
  const model = testModel(options.sensors.map(testSensor))
  const memory = allocateRing(options.capacity ?? 1024, 64 * 1024)
  const epoch = options.epoch ?? 1
  const ring = new RingProducer({ memory, epoch, whenFull: options.whenFull ?? 'block' })
  const consumer = new RingConsumer(memory, epoch)
  const openAlarms = options.openAlarms ?? []
  const pipeline = createPipeline({
    clock,
    log: silentLogger,
    registry,
    ring,
    model,
    openAlarms,
    memory: options.memory,
  })
  const taken = (): { readings: JournalledReading[]; entries: Entry[] } => takeAll(consumer, model)
  return {
    clock,
    registry,
    ring,
    consumer,
    pipeline,
    taken,
    passed: () => taken().readings.map(({ value }) => value),
    transitions: () =>
      taken().entries.flatMap((entry) => (entry.kind === 'alarm' ? [`${entry.change} ${entry.alarm.level}`] : [])),
  }
}

function takeAll(consumer: RingConsumer, model: Model): { readings: JournalledReading[]; entries: Entry[] } {
  const readings: JournalledReading[] = []
  const entries: Entry[] = []
  for (let batch = consumer.take(65_536); batch !== null; batch = consumer.take(65_536)) {
    for (let row = 0; row < batch.length; row++) {
      const sensor = batch.sensor[row]!
      if (sensor === ENTRY) {
        entries.push(JSON.parse(batch.texts.get(row)!))
        continue
      }
      readings.push({
        sensor,
        value: valueAt(batch, row, model.sensorAt(sensor)?.valueType ?? 'number'),
        status: statusName(batch.status[row]!),
        sourceTime: batch.sourceTime[row]!,
        receivedAt: batch.receivedAt[row]!,
      })
    }
  }
  return { readings, entries }
}

/** Value of one series of a metric; undefined when there is none. */
export async function metric(
  registry: Registry,
  name: string,
  labels: Record<string, string> = {},
): Promise<number | undefined> {
  const values = (await registry.getSingleMetric(name)?.get())?.values ?? []
  return values.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))?.value
}
