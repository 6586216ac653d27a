// A sensor that is not what a model was trained on any more: told once, to its gateway, as rules tell; not again after a restart,
// not again at the limit, and again when it drifts anew.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { brainServices } from '#brain/services.ts'
import { gaussian, seededRandom } from '#kit/random.ts'
import { AlarmSeverity } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { AnalyticsClient, wireSeries } from '../analytics/bed.ts'
import { BrainBed, TOKENS, type TestLine } from '../brain-bed.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '../../sim/postgres.ts'

const WAIT = { timeout: 60_000, interval: 20 }
const SENSOR = 'press-1.oil-temperature'
const LENGTH = 1200
const START = 1_795_000_000_000
const random = seededRandom(77)
const around = (mean: number): number[] => Array.from({ length: LENGTH }, () => mean + gaussian(random))

describe('A model whose sensor has become another', () => {
  let postgres: PostgresPeer | null = null
  let bed: BrainBed
  let line: TestLine
  /** Windows that were sent. */
  let sent = 0

  beforeAll(async () => {
    postgres = hasPostgres ? await startPostgres() : null
    bed = new BrainBed({ databaseUrl: postgres?.url ?? null }, () => brainServices(bed.config))
    await bed.start()
    line = await connected()
    await train()
    await bed.rules().create({
      id: 'tell',
      enabled: true,
      severity: AlarmSeverity.LOW,
      sensors: ['press-1.*'],
      condition: '{"==":[{"var":"event.type"},"model-drift"]}',
      actions: [{ kind: { case: 'alert', value: { message: '{event.data.model} {sensor}' } } }],
    })
    // So that all that was said before has come when this one has.
    await bed.rules().create({
      id: 'end',
      enabled: true,
      severity: AlarmSeverity.LOW,
      sensors: ['press-2.oil-temperature'],
      condition: '{"==":[{"var":"kind"},"reading"]}',
      actions: [{ kind: { case: 'alert', value: { message: 'end' } } }],
    })
  })
  afterAll(async () => {
    await bed.close()
    await postgres?.stop()
  })

  async function connected(): Promise<TestLine> {
    const made = bed.line()
    made.hello('edge-01')
    await vi.waitFor(() => expect(made.received[0]?.case).toBe('welcome'), WAIT)
    return made
  }

  function analytics(): AnalyticsClient {
    return new AnalyticsClient(bed.brain.ports.grpc, TOKENS.engineer)
  }

  async function train(): Promise<void> {
    const times = Array.from({ length: LENGTH }, (_, n) => START - (LENGTH - n) * 1000)
    const detector = { method: { case: 'isolationForest' as const, value: { trees: 20, seed: 1n } } }
    const series = [wireSeries(SENSOR, times, around(50))]
    await analytics().call('trainModel', { name: 'press', detector, series, promote: true }, 60_000)
  }

  const driftOf = async () => (await analytics().call('getModel', { name: 'press' }, 60_000)).model!.drift

  /** Sends as many readings as the training had, and waits for all that they lead to. Answers the alerts. */
  async function window(mean: number) {
    const before = line.alerts.length
    const first = sent * (LENGTH + 1) + 1
    line.readings(first, around(mean), 0, START + sent * LENGTH * 1000)
    sent += 1
    // Judged when all before it has been made durable.
    await vi.waitFor(() => expect(line.acknowledged).toContain(first + LENGTH - 1), WAIT)
    line.readings(first + LENGTH, [1], 2, START + sent * LENGTH * 1000)
    await vi.waitFor(() => expect(line.alerts.at(-1)?.ruleId).toBe('end'), WAIT)
    await vi.waitFor(() => expect(line.alerts.length).toBeGreaterThan(before), WAIT)
    return line.alerts.slice(before, -1).map(({ ruleId }) => ruleId)
  }

  it('says nothing while the sensor is as it was', async () => {
    expect(await window(50)).toEqual([])
    expect(await driftOf()).toMatchObject({ drifted: false, sensor: SENSOR })
  })

  it('is told once: by an alert to the gateway that owns the sensor, and to the rules that ask for it', async () => {
    expect(await window(51)).toEqual(['drift:press', 'tell'])
    const [told, byRule] = line.alerts.slice(-3)
    expect(told).toMatchObject({
      ruleName: 'Drift of the model press',
      severity: AlarmSeverity.MEDIUM,
      sensor: SENSOR,
      gateway: 'edge-01',
      message: expect.stringMatching(
        /^press-1\.oil-temperature is not as it was .* version 1 of the model press/,
      ) as string,
      data: { model: 'press', version: 1, sensor: SENSOR, limit: 0.25, readings: LENGTH },
    })
    expect(byRule).toMatchObject({ message: `press ${SENSOR}`, gateway: 'edge-01', sensor: SENSOR })
    expect(await driftOf()).toMatchObject({ drifted: true, sensor: SENSOR })
    expect(await window(51)).toEqual([])
  })

  it('is not told again after a restart', async () => {
    await bed.restart()
    line = await connected()
    expect(await driftOf()).toMatchObject({ drifted: true, sensor: SENSOR })
    expect(await window(51)).toEqual([])
  })

  it('stays drifted between the two limits, and is told again when it drifts after having come back', async () => {
    expect(await window(50.42)).toEqual([])
    const between = await driftOf()
    expect(between!.index).toBeGreaterThan(0.1)
    expect(between!.index).toBeLessThan(0.25)
    expect(between).toMatchObject({ drifted: true })
    expect(await window(51)).toEqual([])
    expect(await window(50)).toEqual([])
    expect(await driftOf()).toMatchObject({ drifted: false })
    // Below the upper limit it has not drifted: it is the way back that is longer.
    expect(await window(50.42)).toEqual([])
    expect(await driftOf()).toMatchObject({ drifted: false })
    const first = line.alerts.map(({ id }) => id)
    expect(await window(51)).toEqual(['drift:press', 'tell'])
    expect(first).not.toContain(line.alerts.at(-3)!.id)
  })
  it('is told of a new model, whatever was told of one that had its name', async () => {
    const told = line.alerts.map(({ id }) => id)
    await analytics().call('deleteModel', { name: 'press' }, 60_000)
    await train()
    expect(await driftOf()).toBeUndefined()
    expect(await window(51)).toEqual(['drift:press', 'tell'])
    expect(told).not.toContain(line.alerts.at(-3)!.id)
  })
})
