// What waits in the outbox ends: with its gateway's return, with its time, or with the brain; and so do the windows' savings.

import { create, toJson } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import type { ActionEntry } from '#brain/actions/entry.ts'
import { Outbox } from '#brain/actions/outbox.ts'
import { RuleBook } from '#brain/rules/rule-book.ts'
import { compileRule } from '#brain/rules/rule-check.ts'
import { RuleEngine } from '#brain/rules/rule-engine.ts'
import { StateKeeper } from '#brain/state/state-keeper.ts'
import { TelemetryError } from '#domain/errors.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Registry } from '#kit/metrics.ts'
import { AlertSchema } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { RuleSchema } from '#rpc/generated/telemetryx/v1/rules_pb.js'

const DAY_MS = 86_400_000
const NEVER = new AbortController().signal

function openOutbox() {
  const clock = new ManualClock()
  const registry = new Registry()
  const settled: string[] = []
  const connected = new Set<string>()
  const tries: ((cause: TelemetryError) => void)[] = []
  const outbox = new Outbox({
    clock,
    log: silentLogger,
    registry,
    random: () => 0.5,
    maxPending: 2,
    attempts: 5,
    firstRetryMs: 1000,
    maxRetryMs: 60_000,
    settle: (ids) => Promise.resolve(void settled.push(...ids)),
    senders: {
      alert: (_tenant, gateway) => connected.has(gateway),
      webhook: () => new Promise((_resolve, reject) => void tries.push(reject)),
      email: null,
      mqtt: null,
    },
  })
  const entry = (id: string, kind: ActionEntry['kind'], body: object): ActionEntry => ({
    id,
    tenant: 'plant-a',
    kind,
    body: JSON.stringify(body),
    createdAt: clock.now(),
  })
  const alert = (id: string, gateway: string): ActionEntry =>
    entry(id, 'alert', { gateway, alert: toJson(AlertSchema, create(AlertSchema, { id })) })
  const webhook = (id: string): ActionEntry => entry(id, 'webhook', { url: 'https://hooks.example/', secret: '' })
  return { alert, clock, connected, outbox, registry, settled, tries, webhook }
}

describe('An alert for a gateway that is away', () => {
  it('waits for a week, and then makes room for others', async () => {
    const { alert, clock, outbox, registry, settled } = openOutbox()
    outbox.take([alert('first', 'edge-01')])
    await clock.advance(DAY_MS)
    outbox.take([alert('second', 'edge-01')])
    await clock.advance(6 * DAY_MS - 1)
    expect([outbox.pending, outbox.admit([alert('third', 'edge-02')])]).toEqual([2, []])
    await clock.advance(1)
    expect([outbox.pending, settled]).toEqual([1, ['first']])
    await clock.advance(DAY_MS)
    expect([outbox.pending, settled, clock.pending]).toEqual([0, ['first', 'second'], 0])
    expect(await registry.metrics()).toContain('telemetryx_brain_actions_total{kind="alert",outcome="gave-up"} 2')
  })

  it('goes when the gateway arrives, and has no time any more that could run out', async () => {
    const { alert, clock, connected, outbox, settled } = openOutbox()
    outbox.take([alert('first', 'edge-01')])
    await clock.advance(DAY_MS)
    connected.add('edge-01')
    outbox.gatewayArrived('plant-a', 'edge-01')
    await clock.advance(0)
    expect([outbox.pending, settled, clock.pending]).toEqual([0, ['first'], 0])
  })
})

describe('An outbox that is stopped', () => {
  it('tries nothing again, and carries nothing more out', async () => {
    const { clock, outbox, settled, tries, webhook } = openOutbox()
    outbox.take([webhook('one')])
    await clock.advance(0)
    const stopped = outbox.stop(NEVER)
    tries[0]!(new TelemetryError('CONNECTION_FAILED', 'Nobody listens', { retryable: true }))
    await stopped
    outbox.take([webhook('two')])
    await clock.advance(DAY_MS)
    expect([tries.length, settled, clock.pending]).toEqual([1, [], 0])
  })
})

describe('A keeper of windows that is stopped while it saves', () => {
  it('plans no further saving', async () => {
    const clock = new ManualClock()
    const book = bookWithWindow()
    const saved: (() => void)[] = []
    const cache = {
      get: () => Promise.resolve(null),
      set: () => new Promise<void>((resolve) => void saved.push(resolve)),
      delete: () => Promise.resolve(),
    }
    const database = {
      kind: 'pglite' as const,
      isUp: true,
      query: () => Promise.resolve([]),
      transaction: () => Promise.reject(new Error('not asked for')),
      close: () => Promise.resolve(),
    }
    const keeper = new StateKeeper({ database, cache, clock, log: silentLogger, book })
    keeper.start()
    await clock.advance(5000)
    expect(saved).toHaveLength(1)
    const stopped = keeper.stop()
    saved[0]!()
    await stopped
    await clock.advance(DAY_MS)
    expect([saved.length, clock.pending]).toEqual([1, 0])
  })
})

/** A rule whose windows have something to keep. */
function bookWithWindow(): RuleBook {
  const { logic, memory } = new RuleEngine({ registry: new Registry(), maxWindowKeys: 10, maxWindowValues: 1000 })
  const windows = [{ name: 'n', function: 1, extent: { case: 'count' as const, value: 10 } }]
  const wire = create(RuleSchema, { id: 'r', tenant: 't', enabled: true, severity: 1, condition: 'true', windows })
  const actions = { hasMail: false, hasMqtt: false }
  const result = compileRule(wire, null, 'rule', { logic, memory, actions, onFailure: () => {} })
  if (!result.ok) throw new Error(JSON.stringify(result.violations))
  const book = new RuleBook()
  book.of('t').put(result.rule)
  result.rule.windows[0]!.keyed.push('key', 1, 1)
  return book
}
