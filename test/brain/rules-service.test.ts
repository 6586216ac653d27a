import { create } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AlarmSeverity } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { Window_Function } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { RecordSchema, type Record as WireRecord } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { BrainBed, detailsOf, TOKENS } from './brain-bed.ts'

const bed = new BrainBed()
beforeAll(() => bed.start())
afterAll(() => bed.close())

const HOT = '{">":[{"var":"value"},80]}'
const sound = { name: 'Too hot', enabled: true, severity: AlarmSeverity.HIGH, condition: HOT }

function reading(value: number, more: { sensor?: string; status?: number; timeMs?: bigint } = {}): WireRecord {
  const { sensor = 'press-1.oil-temperature', status: code = 0, timeMs = 1_795_000_000_000n } = more
  const shown = code === 0 ? { value: { kind: { case: 'number' as const, value } } } : {}
  return create(RecordSchema, {
    kind: { case: 'reading', value: { sensor, status: code, timeMs, gateway: 'edge-01', ...shown } },
  })
}

describe('Rules', () => {
  it('are made, read, listed page by page, changed by a field mask, and deleted', async () => {
    const rules = bed.rules()
    const { rule: made } = await rules.create({ ...sound, id: 'hot-1' })
    expect(made).toMatchObject({ id: 'hot-1', tenant: 'plant-a', revision: 1n, condition: HOT })
    await rules.create({ ...sound, id: 'hot-2', enabled: false, sensors: ['press-2.*'] })
    const first = await rules.list({ pageSize: 1 })
    expect(first.rules.map(({ id }) => id)).toEqual(['hot-1'])
    const second = await rules.list({ pageSize: 1, pageToken: first.nextPageToken })
    expect([second.rules.map(({ id }) => id), second.nextPageToken]).toEqual([['hot-2'], ''])
    expect((await rules.list({ enabled: true })).rules.map(({ id }) => id)).toEqual(['hot-1'])
    expect((await rules.list({ sensor: 'press-3.x' })).rules.map(({ id }) => id)).toEqual(['hot-1'])
    const { rule: changed } = await rules.update({
      rule: { id: 'hot-1', name: 'Hotter', condition: 'not looked at' },
      updateMask: { paths: ['name'] },
    })
    expect(changed).toMatchObject({ name: 'Hotter', condition: HOT, revision: 2n, severity: AlarmSeverity.HIGH })
    await rules.delete('hot-1')
    await rules.delete('hot-2')
    await expect(rules.get('hot-1')).rejects.toMatchObject({ code: status.NOT_FOUND })
    await expect(rules.delete('hot-1')).rejects.toMatchObject({ code: status.NOT_FOUND })
  })

  it('get an id when none is given, and refuse one that is taken', async () => {
    const rules = bed.rules()
    const { rule } = await rules.create(sound)
    expect(rule!.id).toMatch(/^rule-[0-9a-f]{16}$/)
    await expect(rules.create({ ...sound, id: rule!.id })).rejects.toMatchObject({ code: status.ALREADY_EXISTS })
    await rules.delete(rule!.id)
  })

  it('refuse an update of an old revision', async () => {
    const rules = bed.rules()
    await rules.create({ ...sound, id: 'raced' })
    await rules.update({ rule: { id: 'raced', name: 'A' }, updateMask: { paths: ['name'] } })
    const late = { rule: { id: 'raced', name: 'B', revision: 1n }, updateMask: { paths: ['name'] } }
    await expect(rules.update(late)).rejects.toMatchObject({ code: status.ABORTED })
    await rules.delete('raced')
  })

  it('never give a webhook’s secret back', async () => {
    const rules = bed.rules()
    const actions = [{ kind: { case: 'webhook' as const, value: { url: 'https://hook.example/x', secret: 'pssst' } } }]
    const { rule } = await rules.create({ ...sound, id: 'hook', actions })
    const shown = [
      rule,
      (await rules.get('hook')).rule,
      (await rules.list()).rules[0],
      (await rules.update({ rule: rule! })).rule,
    ]
    for (const one of shown) expect(one!.actions[0]!.kind).toMatchObject({ case: 'webhook', value: { secret: '' } })
    await rules.delete('hook')
  })

  it('are still there after a restart', async () => {
    await bed.rules().create({ ...sound, id: 'lasting' })
    await bed.restart()
    expect((await bed.rules().get('lasting')).rule).toMatchObject({ id: 'lasting', revision: 1n })
    await bed.rules().delete('lasting')
  })
})

describe('Evaluate', () => {
  it('answers which rules hold for which record, with what they saw', async () => {
    const rules = bed.rules()
    await rules.create({
      ...sound,
      id: 'hot',
      sensors: ['press-1.*'],
      actions: [alert('{sensor}: {value} is too hot')],
    })
    await rules.create({ ...sound, id: 'elsewhere', sensors: ['press-2.*'] })
    const { evaluated, matches } = await rules.evaluate({ records: [reading(70), reading(90)], dryRun: true })
    expect(evaluated).toBe(2n)
    expect(matches).toHaveLength(1)
    expect(matches[0]).toMatchObject({
      record: 1,
      ruleId: 'hot',
      alert: { message: 'press-1.oil-temperature: 90 is too hot', severity: AlarmSeverity.HIGH, data: { value: 90 } },
    })
    await rules.delete('hot')
    await rules.delete('elsewhere')
  })

  it('brings windows forward in the order of the records, and is silent within the cooldown', async () => {
    const rules = bed.rules()
    const windows = [{ name: 'mean', function: Window_Function.AVG, extent: { case: 'count' as const, value: 3 } }]
    const condition = '{">":[{"var":"windows.mean"},50]}'
    await rules.create({ ...sound, id: 'mean', condition, windows, cooldown: { seconds: 60n } })
    const at = (second: number) => 1_795_000_000_000n + BigInt(second) * 1000n
    const records = [30, 60, 90, 90, 90].map((value, second) => reading(value, { timeMs: at(second) }))
    const { matches } = await rules.evaluate({ records, ruleId: 'mean' })
    expect(matches.map(({ alert: said, record }) => [record, said !== undefined])).toEqual([
      [2, true],
      [3, false],
      [4, false],
    ])
    expect(matches[0]!.alert!.data).toMatchObject({ 'windows.mean': 60 })
    const later = await rules.evaluate({ records: [reading(90, { timeMs: at(100) })], ruleId: 'mean' })
    expect(later.matches[0]!.alert).toBeDefined()
    await rules.delete('mean')
  })

  it('leaves windows and cooldowns alone in a dry run', async () => {
    const rules = bed.rules()
    const windows = [{ name: 'n', function: Window_Function.COUNT, extent: { case: 'count' as const, value: 9 } }]
    await rules.create({ ...sound, id: 'dry', condition: '{">=":[{"var":"windows.n"},2]}', windows })
    const look = () => rules.evaluate({ records: [reading(1)], ruleId: 'dry', dryRun: true })
    expect([(await look()).matches.length, (await look()).matches.length]).toEqual([0, 0])
    await rules.evaluate({ records: [reading(1)], ruleId: 'dry' })
    expect((await look()).matches).toHaveLength(1)
    await rules.delete('dry')
  })

  it('tries out a rule that is not kept, and one that is disabled', async () => {
    const rules = bed.rules(TOKENS.viewer)
    const tried = await rules.evaluate({ records: [reading(90)], trial: { ...sound, actions: [alert('hot')] } })
    expect(tried.matches).toHaveLength(1)
    await bed.rules().create({ ...sound, id: 'off', enabled: false })
    expect((await rules.evaluate({ records: [reading(90)], dryRun: true })).matches).toHaveLength(0)
    expect((await rules.evaluate({ records: [reading(90)], dryRun: true, ruleId: 'off' })).matches).toHaveLength(1)
    await bed.rules().delete('off')
  })

  it('shows bad readings, which have no value, only to rules that ask for the quality', async () => {
    const rules = bed.rules()
    const bad = reading(0, { status: 0x80000000 })
    const below = { ...sound, condition: '{"<":[{"var":"value"},5]}' }
    expect((await rules.evaluate({ records: [bad], trial: below })).evaluated).toBe(0n)
    const asking = { ...sound, condition: '{"==":[{"var":"quality"},"bad"]}' }
    expect((await rules.evaluate({ records: [bad], trial: asking })).matches).toHaveLength(1)
  })
})

describe('Bad input', () => {
  const cases: readonly (readonly [what: string, rule: Record<string, unknown>, field: string])[] = [
    ['no JSON', { condition: '{">": [' }, 'rule.condition'],
    ['an empty condition', { condition: '' }, 'rule.condition'],
    ['an unknown operator', { condition: '{"regex":[{"var":"value"},"(a+)+$"]}' }, 'rule.condition'],
    ['deep nesting', { condition: `${'{"!":'.repeat(500)}true${'}'.repeat(500)}` }, 'rule.condition'],
    ['a path to a prototype', { condition: '{"var":"constructor.name"}' }, 'rule.condition'],
    ['a window that is not defined', { condition: '{"var":"windows.mean"}' }, 'rule.condition'],
    ['too long a condition', { condition: `{"==":["${'x'.repeat(20_000)}",1]}` }, 'rule.condition'],
    ['no severity', { severity: 0 }, 'rule.severity'],
    ['an id that is none', { id: 'Not An Id' }, 'rule.id'],
    ['a webhook to a file', { actions: [webhook('file:///etc/passwd')] }, 'rule.actions[0].webhook.url'],
    [
      'a mail without a mail server',
      { actions: [{ kind: { case: 'email', value: { to: ['a@b.example'] } } }] },
      'rule.actions[0].email',
    ],
    [
      'a window without extent',
      { windows: [{ name: 'w', function: 1, extent: { case: undefined } }] },
      'rule.windows[0].extent',
    ],
    ['an endless cooldown', { cooldown: { seconds: 10n ** 12n } }, 'rule.cooldown'],
  ]
  it.each(cases)('is refused with INVALID_ARGUMENT and the field: %s', async (_what, rule, field) => {
    const error: unknown = await bed
      .rules()
      .create({ ...sound, ...rule })
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT })
    expect(detailsOf(error).violations.map((violation) => violation.field)).toContain(field)
  })

  it('names every wrong field at once', async () => {
    const error: unknown = await bed
      .rules()
      .create({ ...sound, id: 'X', severity: 0, condition: '' })
      .catch((cause: unknown) => cause)
    expect(
      detailsOf(error)
        .violations.map(({ field }) => field)
        .sort(),
    ).toEqual(['rule.condition', 'rule.id', 'rule.severity'])
  })

  it('refuses masks, page tokens and records that make no sense', async () => {
    const rules = bed.rules()
    await rules.create({ ...sound, id: 'masked' })
    const masked = rules.update({ rule: { id: 'masked' }, updateMask: { paths: ['tenant', '__proto__'] } })
    await expect(masked).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    await expect(rules.list({ pageToken: '%%%' })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    await expect(rules.list({ pageSize: 100_000 })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    await expect(rules.evaluate({ records: [{}] })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    const many = Array.from({ length: 10_001 }, () => ({}))
    await expect(rules.evaluate({ records: many })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    await rules.delete('masked')
  })

  it('refuses messages that are too large with RESOURCE_EXHAUSTED, and goes on', async () => {
    const rules = bed.rules()
    const huge = rules.create({ ...sound, description: 'x'.repeat(5 * 1024 * 1024) })
    await expect(huge).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED })
    expect((await rules.list()).rules).toEqual([])
  })

  it('does not let a condition run away', async () => {
    const list = JSON.stringify(Array.from({ length: 200 }, (_, index) => index))
    const loop = (inner: string) => `{"some":[${list},${inner}]}`
    const trial = { ...sound, condition: loop(loop(loop('{"==":[{"var":""},-1]}'))) }
    expect((await bed.rules().evaluate({ records: [reading(1)], trial })).matches).toEqual([])
    expect(await bed.metric('telemetryx_brain_condition_failures_total')).toBeGreaterThan(0)
  })
})

describe('Callers', () => {
  it('without a token, or with a wrong one, are UNAUTHENTICATED', async () => {
    for (const token of [null, 'no-such-token-at-all'])
      await expect(bed.rules(token).list()).rejects.toMatchObject({ code: status.UNAUTHENTICATED })
  })

  it('may do only what their role allows', async () => {
    await expect(bed.rules(TOKENS.viewer).create(sound)).rejects.toMatchObject({ code: status.PERMISSION_DENIED })
    await expect(bed.rules(TOKENS.gateway).list()).rejects.toMatchObject({ code: status.PERMISSION_DENIED })
    const acting = bed.rules(TOKENS.viewer).evaluate({ records: [reading(1)] })
    await expect(acting).rejects.toMatchObject({ code: status.PERMISSION_DENIED })
  })

  it('of another tenant neither see a rule nor make one for it', async () => {
    await bed.rules().create({ ...sound, id: 'ours' })
    const other = bed.rules(TOKENS.other)
    await expect(other.get('ours')).rejects.toMatchObject({ code: status.NOT_FOUND })
    expect((await other.list()).rules).toEqual([])
    expect((await other.evaluate({ records: [reading(90)] })).matches).toEqual([])
    const error: unknown = await other.create({ ...sound, tenant: 'plant-a' }).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: status.PERMISSION_DENIED })
    expect(detailsOf(error).violations[0]).toMatchObject({ field: 'rule.tenant' })
    await bed.rules().delete('ours')
  })

  it('find metrics, health and readiness over HTTP', async () => {
    const text = await (await fetch(bed.url('/metrics'))).text()
    expect(text).toContain(
      'telemetryx_brain_calls_total{method="/telemetryx.v1.RulesService/CreateRule",code="INVALID_ARGUMENT"}',
    )
    expect((await fetch(bed.url('/healthz'))).status).toBe(200)
    expect(await (await fetch(bed.url('/readyz'))).json()).toEqual({ status: 'ready', reasons: [] })
  })
})

function alert(message: string) {
  return { kind: { case: 'alert' as const, value: { message } } }
}

function webhook(url: string) {
  return { kind: { case: 'webhook', value: { url } } }
}
