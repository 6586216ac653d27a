import { status } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { RuleChange_Kind } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { Window_Function } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { BrainBed, TOKENS } from './brain-bed.ts'

const WAIT = { timeout: 60_000, interval: 20 }

// A server starts faster than the embedded database, and here the brain starts often.
let postgres: PostgresPeer | null = null
let bed: BrainBed
beforeAll(async () => {
  postgres = hasPostgres ? await startPostgres() : null
  bed = await new BrainBed({ databaseUrl: postgres?.url ?? null }).start()
})
afterAll(async () => {
  await bed.close()
  await postgres?.stop()
})
afterEach(async () => {
  const rules = bed.rules()
  for (const { id } of (await rules.list()).rules) await rules.delete(id)
})

const hot = {
  id: 'hot',
  name: 'Too hot',
  enabled: true,
  severity: 3,
  condition: '{">":[{"var":"value"},80]}',
  sensors: ['press-*.oil-temperature'],
  actions: [{ kind: { case: 'alert' as const, value: { message: '{sensor} {value} {unit}' } } }],
}

describe('A gateway’s stream', () => {
  it('is acknowledged, and brings alerts back', async () => {
    await bed.rules().create(hot)
    const line = bed.line()
    line.hello('back-1')
    line.readings(1, [20, 90, 30, 95])
    await vi.waitFor(() => expect([line.acknowledged, line.alerts.length]).toEqual([[4], 2]), WAIT)
    expect(line.alerts[0]).toMatchObject({
      ruleId: 'hot',
      ruleName: 'Too hot',
      message: 'press-1.oil-temperature 90 degC',
      sensor: 'press-1.oil-temperature',
      gateway: 'back-1',
      position: { epoch: 1, seq: 2n },
      data: { value: 90, unit: 'degC' },
    })
    line.end()
  })

  it('has each record judged once, however often it comes, also after a restart', async () => {
    const windows = [{ name: 'n', function: Window_Function.COUNT, extent: { case: 'count' as const, value: 1000 } }]
    const message = '{windows.n}'
    await bed.rules().create({
      ...hot,
      condition: '{">":[{"var":"windows.n"},0]}',
      windows,
      actions: [{ kind: { case: 'alert', value: { message } } }],
    })
    const first = bed.line()
    first.hello('once')
    first.readings(1, [1, 2, 3])
    await vi.waitFor(() => expect(first.alerts.map((alert) => alert.message)).toEqual(['1', '2', '3']), WAIT)
    await bed.restart()
    const second = bed.line()
    second.hello('once')
    second.readings(1, [1, 2, 3])
    second.readings(1, [1, 2, 3, 4])
    await vi.waitFor(() => expect(second.acknowledged).toEqual([3, 4]), WAIT)
    await vi.waitFor(() => expect(second.alerts.map((alert) => alert.message)).toEqual(['4']), WAIT)
    second.end()
  })

  it('hears of rules that are made, changed and deleted', async () => {
    const line = bed.line()
    line.hello('hears')
    await vi.waitFor(() => expect(line.received[0]?.case).toBe('welcome'), WAIT)
    const rules = bed.rules()
    await rules.create(hot)
    await rules.update({ rule: { id: 'hot', name: 'Hotter' }, updateMask: { paths: ['name'] } })
    await rules.delete('hot')
    const { CREATED, DELETED, UPDATED } = RuleChange_Kind
    await vi.waitFor(() => expect(line.ruleChanges.map(({ kind }) => kind)).toEqual([CREATED, UPDATED, DELETED]), WAIT)
    await bed.rules(TOKENS.other).create(hot)
    await rules.create({ ...hot, gateways: ['another'] })
    await bed.rules(TOKENS.other).delete('hot')
    line.readings(1, [1])
    await vi.waitFor(() => expect(line.acknowledged).toEqual([1]), WAIT)
    expect(line.ruleChanges).toHaveLength(3)
    line.end()
  })

  it('does not meet the rules of another tenant', async () => {
    await bed.rules().create(hot)
    const line = bed.line(TOKENS.other)
    line.hello('other-1')
    line.readings(1, [99])
    await vi.waitFor(() => expect(line.acknowledged).toEqual([1]), WAIT)
    expect(line.alerts).toEqual([])
    line.end()
  })

  it('gets what was said while it was away, when it is back', async () => {
    await bed.rules().create(hot)
    const away = bed.line()
    away.hello('away')
    away.readings(1, [10])
    await vi.waitFor(() => expect(away.acknowledged).toEqual([1]), WAIT)
    away.end()
    const reading = {
      sensor: 'press-1.oil-temperature',
      gateway: 'away',
      value: { kind: { case: 'number' as const, value: 99 } },
    }
    await bed.rules().evaluate({ records: [{ kind: { case: 'reading', value: reading } }] })
    await bed.restart()
    const back = bed.line()
    back.hello('away')
    await vi.waitFor(() => expect(back.alerts.map((alert) => alert.ruleId)).toEqual(['hot']), WAIT)
    back.end()
  })

  it('has alarms and events judged by rules that ask for them', async () => {
    await bed.rules().create({ ...hot, sensors: [], condition: '{"==":[{"var":"event.type"},"door-open"]}' })
    const line = bed.line()
    line.hello('events')
    const event = {
      type: 'door-open',
      severity: 2,
      message: 'Open',
      source: 'gateway',
      time: { seconds: 1_795_000_000n },
    }
    line.send({ case: 'batch', value: { epoch: 1, lastSeq: 1n, events: [{ seq: 1n, event }] } })
    line.readings(2, [99])
    await vi.waitFor(() => expect(line.acknowledged).toEqual([1, 2]), WAIT)
    await vi.waitFor(() => expect(line.alerts.map(({ position }) => position?.seq)).toEqual([1n]), WAIT)
    line.end()
  })
})

describe('A stream that is not sound', () => {
  it.each([
    ['without a token', null, 'edge-01', status.UNAUTHENTICATED],
    ['of a viewer', TOKENS.viewer, 'edge-01', status.PERMISSION_DENIED],
    ['of a gateway that its token does not speak for', TOKENS.bound, 'edge-02', status.PERMISSION_DENIED],
    ['of a gateway without a name', TOKENS.gateway, '../etc', status.INVALID_ARGUMENT],
  ])('is refused: %s', async (_what, token, gateway, code) => {
    const line = bed.line(token)
    line.hello(gateway)
    await vi.waitFor(() => expect(line.error?.code).toBe(code), WAIT)
  })

  it('is refused when it begins without a hello, or brings a batch that contradicts itself', async () => {
    const silent = bed.line()
    silent.readings(1, [1])
    await vi.waitFor(() => expect(silent.error?.code).toBe(status.FAILED_PRECONDITION), WAIT)
    const wrong = bed.line()
    wrong.hello('wrong')
    wrong.send({ case: 'batch', value: { epoch: 0, lastSeq: 1n } })
    await vi.waitFor(() => expect(wrong.error?.code).toBe(status.INVALID_ARGUMENT), WAIT)
  })

  it('has single records refused: the rest counts', async () => {
    await bed.rules().create(hot)
    const line = bed.line()
    line.hello('refused')
    line.readings(1, [Number.NaN, 90])
    await vi.waitFor(() => expect(line.acknowledged).toEqual([2]), WAIT)
    const acknowledgement = line.received.find((one) => one.case === 'acknowledgement')
    expect(acknowledgement?.value).toMatchObject({ rejections: [{ position: { seq: 1n } }] })
    await vi.waitFor(() => expect(line.alerts).toHaveLength(1), WAIT)
    line.end()
  })
})
