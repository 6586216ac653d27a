import { describe, expect, it } from 'vitest'
import type { Model } from '#domain/sensor.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Registry } from '#kit/metrics.ts'
import { createUplinks, type UplinkDefinition } from '#uplinks/uplinks.ts'
import { ModelJournal, modelOf } from './model-journal.ts'
import { ScriptedReceiver } from './scripted-receiver.ts'

const never = new AbortController().signal

async function running(count: number, expected: readonly string[] = []) {
  const clock = new ManualClock()
  const journal = new ModelJournal()
  const receivers = Array.from({ length: count }, () => new ScriptedReceiver())
  const define = (n: number, more: Partial<UplinkDefinition> = {}): UplinkDefinition => ({
    id: `u${n}`,
    kind: receivers[n]!.kind,
    config: {},
    include: ['*'],
    exclude: [],
    maxRate: null,
    ...more,
  })
  let model: Model = modelOf(['press-1.a', 'oven-1.a'])
  const uplinks = createUplinks({
    clock,
    log: silentLogger,
    registry: new Registry(),
    random: () => 0.5,
    journal,
    model: () => model,
    gateway: 'edge-01',
    factory: 'Plant A',
    uplinks: receivers.slice(0, 2).map((_, n) => define(n)),
    expected,
  })
  await uplinks.start(never)
  await clock.advance(1000)
  const append = async (records: number): Promise<void> => {
    for (let n = 0; n < records; n++) journal.append(n % 2, n, clock.now())
    await clock.advance(1000)
  }
  return { clock, journal, uplinks, receivers, define, append, replaceModel: (next: Model) => (model = next) }
}

const status = (bed: Awaited<ReturnType<typeof running>>, id: string) =>
  bed.uplinks.list().find((uplink) => uplink.id === id)

describe('Applying other uplinks', () => {
  it('leaves those that are as before undisturbed, and begins a new one with the next record', async () => {
    const bed = await running(3)
    await bed.append(10)
    await bed.uplinks.applyUplinks([bed.define(0), bed.define(1), bed.define(2)], never)
    await bed.append(6)
    expect(bed.receivers[0]!.connections).toBe(1)
    expect(status(bed, 'u0')).toMatchObject({ state: 'online', accepted: 16, delivered: 16 })
    expect(status(bed, 'u2')).toMatchObject({ state: 'online', accepted: 6, delivered: 6 })
  })

  it('begins one that was expected with the first record of the run, which the journal keeps for it', async () => {
    const bed = await running(3, ['u2'])
    await bed.append(10)
    expect(bed.journal.asked).toContain('uplink/u2')
    expect(status(bed, 'u2')).toBeUndefined()
    await bed.uplinks.applyUplinks([bed.define(0), bed.define(1), bed.define(2)], never)
    await bed.append(6)
    expect(status(bed, 'u2')).toMatchObject({ state: 'online', accepted: 16, delivered: 16, dropped: {} })
  })

  it('restarts a changed one where it was, and one that comes back goes on where it had stopped', async () => {
    const bed = await running(2)
    await bed.append(4)
    await bed.uplinks.applyUplinks([bed.define(0, { exclude: ['oven-*'] })], never)
    expect(bed.uplinks.list().map(({ id }) => id)).toEqual(['u0'])
    await bed.append(6)
    expect(status(bed, 'u0')).toMatchObject({ accepted: 10, delivered: 7, filtered: 3 })
    expect(bed.receivers[0]!.connections).toBe(2)
    await bed.uplinks.applyUplinks([bed.define(0, { exclude: ['oven-*'] }), bed.define(1)], never)
    await bed.append(2)
    expect(status(bed, 'u1')).toMatchObject({ accepted: 12, delivered: 12, pending: 0 })
    expect(bed.receivers[0]!.connections).toBe(2)
  })

  it('still forwards what the journal holds of sensors that were removed', async () => {
    const bed = await running(2)
    bed.receivers[0]!.acknowledges = false
    const before = modelOf(['press-1.a', 'oven-1.a'])
    const after = modelOf(['press-1.a'])
    bed.replaceModel({ ...after, retired: [before.sensors[1]!], sensorAt: (number) => before.sensorAt(number) })
    await bed.uplinks.applyUplinks([bed.define(0), bed.define(1)], never)
    await bed.append(4)
    expect(status(bed, 'u1')).toMatchObject({ delivered: 4, dropped: {} })
  })
})
