import { describe, expect, it } from 'vitest'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Registry } from '#kit/metrics.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { ModelJournal, modelOf } from './model-journal.ts'
import { ScriptedReceiver } from './scripted-receiver.ts'

const MODEL = modelOf(['press-1.a', 'oven-1.a'])
const never = new AbortController().signal

function setUp() {
  const clock = new ManualClock()
  const journal = new ModelJournal()
  const registry = new Registry()
  const [dead, slow, good] = [new ScriptedReceiver(), new ScriptedReceiver(), new ScriptedReceiver()]
  dead.accepts = false
  slow.acknowledges = false
  const define = (id: string, { kind }: ScriptedReceiver, exclude: string[] = []) => ({
    id,
    kind,
    config: {},
    include: ['*'],
    exclude,
    maxRate: null,
  })
  const uplinks = createUplinks({
    clock,
    log: silentLogger,
    registry,
    random: () => 0.5,
    journal,
    model: () => MODEL,
    gateway: 'edge-01',
    factory: 'Plant A',
    uplinks: [define('dead', dead), define('slow', slow), define('good', good, ['oven-*.*'])],
  })
  return { clock, journal, registry, uplinks, dead, slow, good }
}

const metric = async (registry: Registry, line: RegExp): Promise<number[]> =>
  (await registry.metrics()).split('\n').flatMap((text) => (line.test(text) ? [Number(text.split(' ').at(-1))] : []))

describe('The uplinks of a gateway', () => {
  it('do not wait for each other', async () => {
    const { uplinks, journal, clock } = setUp()
    await uplinks.start(never)
    for (let n = 0; n < 100; n++) journal.append(n % 2, n, clock.now())
    await clock.advance(10_000)
    expect(uplinks.list()).toMatchObject([
      {
        id: 'dead',
        state: 'retrying',
        reason: 'Nobody is there',
        accepted: 100,
        delivered: 0,
        pending: 100,
        oldestPendingAge: 10,
      },
      { id: 'slow', state: 'online', accepted: 100, delivered: 0, pending: 100, oldestPendingAge: 10 },
      {
        id: 'good',
        state: 'online',
        accepted: 100,
        delivered: 50,
        filtered: 50,
        pending: 0,
        oldestPendingAge: 0,
        cursor: '1/100',
      },
    ])
  })

  it('tell Prometheus what waits, how old it is, what arrived and what was lost', async () => {
    const { uplinks, journal, clock, registry, good } = setUp()
    good.rejects = (_epoch, seq) => seq === 1
    await uplinks.start(never)
    for (let n = 0; n < 100; n++) journal.append(n % 2, n, clock.now())
    journal.append(9, 0, clock.now()) // no longer configured
    await clock.advance(10_000)
    expect(await metric(registry, /^telemetryx_uplink_pending\{/)).toEqual([101, 101, 0])
    expect(await metric(registry, /^telemetryx_uplink_oldest_age_seconds\{/)).toEqual([10, 10, 0])
    expect(await metric(registry, /^telemetryx_uplink_delivered_total\{uplink="good"\}/)).toEqual([49])
    expect(await metric(registry, /^telemetryx_uplink_up\{/)).toEqual([0, 1, 1])
    expect(await metric(registry, /^telemetryx_dropped_total\{stage="uplink",reason="rejected"\}/)).toEqual([1])
    expect(await metric(registry, /^telemetryx_dropped_total\{stage="uplink",reason="unknown-sensor"\}/)).toEqual([1])
    expect(await metric(registry, /^telemetryx_dropped_total\{stage="uplink",reason="gap"\}/)).toEqual([0])
    // accepted, delivered, pending, filtered, rejected, dropped
    expect(await metric(registry, /^telemetryx_uplink_ledger\{uplink="good"/)).toEqual([101, 49, 0, 50, 1, 1])
    expect(await metric(registry, /^telemetryx_uplink_breaker_state\{/)).toEqual([2, 0, 0])
    expect(await metric(registry, /^telemetryx_uplink_dead_letters\{/)).toEqual([0, 0, 0])
    expect(await metric(registry, /^telemetryx_uplink_replay_rate\{/)).toEqual([0, 0, 0])
  })

  it('stop within their signal, whatever their receivers do', async () => {
    const { uplinks, journal, clock, slow } = setUp()
    await uplinks.start(never)
    journal.append(0, 1, clock.now())
    await clock.advance(0)
    const abort = new AbortController()
    const stopped = uplinks.stop(abort.signal)
    await clock.advance(1000)
    expect(slow.held).toBe(1)
    abort.abort()
    await stopped
    expect(uplinks.list().map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped'])
    expect(clock.pending).toBe(0)
    await uplinks.stop(never)
  })
})
