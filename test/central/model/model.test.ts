// What gateways tell and what people change, of the model, of alarms and of the fleet.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HelloSchema, type Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { sweep } from '#central/storage/sweep.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { dictionary, envelope, makeTenant, numbers, openStorage, type Fixture } from '../storage/central-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-model-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const PAGE = { limit: 100, cursor: null }

interface Told {
  readonly id: string
  readonly machine?: string
  readonly factory?: string
  readonly unit?: string
  readonly description?: string
}

function hello(gateway: string, sensors: readonly Told[], version = '1'): Hello {
  const machine = { machine: 'press-1', machineName: 'Press 1', factory: 'plant', factoryName: 'Plant', valueType: 1 }
  return create(HelloSchema, {
    gateway,
    factory: 'Plant',
    epoch: 3,
    version,
    dictionary: { sensors: sensors.map((sensor, number) => ({ number, ...machine, ...sensor })) },
  })
}

describe.skipIf(!hasPostgres)('The model (needs postgresql)', () => {
  let peer: PostgresPeer
  let fixture: Fixture
  let made = 0
  const tenant = () => makeTenant(fixture, `t${(made += 1)}`)
  const sensorIds = async (t: number) => (await fixture.storage.model.sensors(t, PAGE)).items.map(({ id }) => id)

  beforeAll(async () => {
    peer = await startPostgres({ fsync: 'off' })
    const modelLimits = { gatewaysPerTenant: 5, sensorsPerGateway: 1000, sensorsPerTenant: 1500 }
    fixture = await openStorage({ url: peer.url, folder }, { modelLimits })
  })
  afterAll(async () => {
    await fixture.close()
    await peer.stop()
  })

  it('is adopted from gateways, and ids that two of them use stay apart', async () => {
    const t = await tenant()
    const { ingest, model } = fixture.storage
    await ingest.hello(t, hello('edge-1', [{ id: 'press-1.pressure', unit: 'bar' }, { id: 'press-1.power' }]))
    await ingest.hello(
      t,
      hello('edge-2', [
        { id: 'press-1.pressure', factory: 'mill' },
        { id: 'saw.speed', factory: 'mill', machine: 'saw' },
      ]),
    )
    expect(await sensorIds(t)).toEqual(['edge-2.press-1.pressure', 'press-1.power', 'press-1.pressure', 'saw.speed'])
    expect(await model.sensor(t, 'edge-2.press-1.pressure')).toMatchObject({
      gateway: 'edge-2',
      device: 'press-1',
      name: 'pressure',
      machine: 'mill.press-1',
      factory: 'mill',
    })
    expect((await model.machines(t, PAGE)).items.map(({ id, sensors }) => [id, sensors])).toEqual([
      ['mill.press-1', 1],
      ['press-1', 2],
      ['saw', 1],
    ])
    expect((await model.machines(t, { ...PAGE, factory: 'mill' })).items).toHaveLength(2)
    expect((await model.sensors(t, { ...PAGE, q: 'PRESS bar' })).items.map(({ id }) => id)).toEqual([
      'press-1.pressure',
    ])
    await ingest.take(t, numbers({ firstSeq: 1, gateway: 'edge-2', values: [5], at: Date.now() }))
    expect((await fixture.storage.readings.latestOf(t, 'edge-2.press-1.pressure')).reading?.value).toBe(5)
    expect((await fixture.storage.readings.latestOf(t, 'press-1.pressure')).reading).toBeNull()
    expect((await fixture.storage.readings.latest(t, { ...PAGE, machine: 'press-1' })).items).toHaveLength(3)
  })

  it('takes what people change, and gateways do not undo it', async () => {
    const t = await tenant()
    const { ingest, model } = fixture.storage
    await ingest.hello(t, hello('edge-1', [{ id: 'press-1.pressure', unit: 'bar', description: 'Oil' }]))
    const { revision } = (await model.sensor(t, 'press-1.pressure'))!
    await model.createMachine(t, { id: 'hall', name: 'Hall', factory: 'plant', tags: ['a', 'a'] })
    const changed = await model.updateSensor(
      t,
      'press-1.pressure',
      { description: 'Hydraulics', machine: 'hall', tags: ['x'], metadata: { a: 1 } },
      revision,
    )
    expect(changed).toMatchObject({
      description: 'Hydraulics',
      machine: 'hall',
      unit: 'bar',
      tags: ['x'],
      metadata: { a: 1 },
    })
    await expect(model.updateSensor(t, 'press-1.pressure', { unit: 'x' }, revision)).rejects.toMatchObject({
      code: 'STALE',
    })
    await model.updateFactory(t, 'plant', { name: 'North' }, null)
    await ingest.hello(t, hello('edge-1', [{ id: 'press-1.pressure', unit: 'kPa', description: 'Oil 2' }]))
    expect(await model.sensor(t, 'press-1.pressure')).toMatchObject({
      description: 'Hydraulics',
      machine: 'hall',
      unit: 'kPa',
    })
    expect(await model.factory(t, 'plant')).toMatchObject({ name: 'North' })
    await expect(model.updateSensor(t, 'press-1.pressure', { machine: 'none' }, null)).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await expect(model.removeMachine(t, 'hall')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'The machine hall has sensors',
    })
    await model.removeMachine(t, 'press-1')
    await expect(model.removeFactory(t, 'none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(model.createFactory(t, { id: 'plant', name: 'x' })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(model.createFactory(t, { id: 'Plant 2', name: 'x' })).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
    await expect(
      model.createFactory(t, { id: 'f', name: 'x', metadata: { a: 'x'.repeat(20_000) } }),
    ).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
  })

  it('forgets a sensor that is removed, and adopts it anew when it is sent again', async () => {
    const t = await tenant()
    const { ingest, model, readings } = fixture.storage
    await ingest.take(t, numbers({ firstSeq: 1, values: [1], at: Date.now() }))
    const { number } = (await model.sensor(t, 'press-1.pressure'))!
    await model.removeSensor(t, 'press-1.pressure')
    await expect(readings.latestOf(t, 'press-1.pressure')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await ingest.take(t, numbers({ firstSeq: 2, values: [2], at: Date.now() }))).toMatchObject({ accepted: 1 })
    expect((await model.sensor(t, 'press-1.pressure'))!.number).toBeGreaterThan(number)
    expect((await readings.statistics(t, 'press-1.pressure', 0, Date.now() + 1000)).count).toBe(1)
  })

  it('has a bound on names: a million of them are refused with the reason, and the others arrive', async () => {
    const t = await tenant()
    const { ingest } = fixture.storage
    const names = Array.from({ length: Number(process.env['TELEMETRYX_NAMES'] ?? 20_000) }, (_, index) => ({
      id: `flood.s${index}`,
    }))
    await expect(ingest.hello(t, hello('edge-1', names))).rejects.toThrow(
      `${names.length - 1000} of its sensors are not taken, the first is flood.s1000: A gateway has at most 1000 sensors here`,
    )
    expect((await fixture.storage.gateways.get(t, 'edge-1'))!.sensors).toBe(1000)
    const one = dictionary({ number: 0, id: 'flood.s5' }, { number: 1, id: 'flood.x' }, { number: 2, id: '../etc' })
    const taken = await ingest.take(
      t,
      envelope('edge-1', one, {
        epoch: 1,
        lastSeq: 3n,
        blocks: [{ firstSeq: 1n, sensors: [0, 1, 2], receivedAtMs: BigInt(Date.now()), numbers: [1, 2, 3] }],
      }),
    )
    expect(taken).toEqual({
      accepted: 1,
      repeated: 0,
      refused: [
        { seq: 2, reason: 'A gateway has at most 1000 sensors here, and this would be one more' },
        { seq: 3, reason: 'Its sensor has no valid id' },
      ],
    })
    await expect(ingest.hello(t, hello('edge-2', names.slice(0, 1000)))).rejects.toThrow(
      'A tenant has at most 1500 sensors',
    )
    for (const id of ['a', 'b', 'c']) await ingest.hello(t, hello(id, []))
    await expect(ingest.hello(t, hello('d', []))).rejects.toThrow('A tenant has at most 5 gateways')
  })

  it('lists by pages', async () => {
    const t = await tenant()
    const { ingest, model } = fixture.storage
    const ids = Array.from({ length: 25 }, (_, index) => ({ id: `m.s${index}`, machine: `m${index}` }))
    await ingest.hello(t, hello('edge-1', ids))
    const found: string[] = []
    let cursor: string | null = null
    do {
      const page = await model.machines(t, { limit: 10, cursor })
      found.push(...page.items.map(({ id }) => id))
      cursor = page.next
    } while (cursor !== null)
    expect(found).toEqual(ids.map(({ machine }) => machine).toSorted())
  })

  describe('with its alarms', () => {
    const at = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: 0 })
    const alarmAt = (id: string, raised: number, more: object = {}) => ({
      id,
      sensor: 'press-1.pressure',
      check: 'high',
      checkType: 'threshold',
      level: 'high',
      severity: 3,
      active: true,
      raisedAt: at(raised),
      ...more,
    })
    const send = (t: number, seq: number, change: number, alarm: object, gateway = 'edge-1') =>
      fixture.storage.ingest.take(
        t,
        envelope(gateway, dictionary(), {
          epoch: 1,
          lastSeq: BigInt(seq),
          alarms: [{ seq: BigInt(seq), transition: { change, time: at(Date.now()), alarm } }],
        }),
      )

    it('shows the open ones of all gateways, and what was found at a sensor', async () => {
      const t = await tenant()
      const { alarms, ingest } = fixture.storage
      const now = Math.floor(Date.now() / 1000) * 1000
      await ingest.hello(t, hello('edge-1', [{ id: 'press-1.pressure', unit: 'bar' }]))
      await ingest.hello(t, hello('edge-2', [{ id: 'press-1.pressure', factory: 'mill' }]))
      await send(t, 1, 1, alarmAt('1-1', now - 50_000))
      await send(t, 2, 1, alarmAt('1-2', now - 40_000))
      await send(
        t,
        3,
        3,
        alarmAt('1-2', now - 40_000, { active: false, acknowledged: true, clearedAt: at(now - 30_000) }),
      )
      await send(t, 1, 1, alarmAt('1-1', now - 20_000), 'edge-2')
      const first = await alarms.open(t, { limit: 1, cursor: null })
      const second = await alarms.open(t, { limit: 1, cursor: first.next })
      expect(
        [...first.items, ...second.items].map(({ alarm, gateway, unit }) => [gateway, alarm.id, alarm.sensor, unit]),
      ).toEqual([
        ['edge-2', '1-1', 'edge-2.press-1.pressure', ''],
        ['edge-1', '1-1', 'press-1.pressure', 'bar'],
      ])
      expect(second.next).toBeNull()
      const query = { sensor: 'press-1.pressure', checkTypes: ['threshold'], from: now - 35_000, to: now, ...PAGE }
      expect((await alarms.occurrences(t, query)).items.map(({ alarm }) => alarm.id)).toEqual(['1-2', '1-1'])
      expect(
        (await alarms.occurrences(t, { ...query, from: now - 25_000 })).items.map(({ alarm }) => alarm.id),
      ).toEqual(['1-1'])
      expect((await alarms.occurrences(t, { ...query, checkTypes: ['zscore'] })).items).toEqual([])
      const journal = await alarms.journal(t, { kind: 'alarm', from: 0, to: now + 60_000, limit: 3, cursor: null })
      const rest = await alarms.journal(t, { kind: null, from: 0, to: now + 60_000, limit: 3, cursor: journal.next })
      expect([journal.items.length, rest.items.length]).toEqual([3, 1])
      expect(await alarms.get(t, 'edge-1', '1-2')).toMatchObject({ alarm: { active: false } })
      expect(await alarms.get(t, 'edge-3', '1-2')).toBeNull()
    })

    it('keeps an alert of the brain once, and what is over as long as the hours', async () => {
      const t = await tenant()
      const { alarms } = fixture.storage
      const alert = {
        id: 'a',
        rule: 'r',
        ruleName: 'R',
        severity: 'high',
        message: 'm',
        gateway: '',
        sensor: '',
        time: 1000,
        data: {},
      } as const
      expect([await alarms.addAlert(t, alert), await alarms.addAlert(t, alert)]).toEqual([true, false])
      await alarms.addAlert(t, { ...alert, id: 'b', time: 2000 })
      const first = await alarms.alerts(t, { from: 0, to: 5000, limit: 1, cursor: null })
      const second = await alarms.alerts(t, { from: 0, to: 5000, limit: 1, cursor: first.next })
      expect([first.items, second.items]).toEqual([[{ ...alert, id: 'b', time: 2000 }], [alert]])
      await send(t, 1, 1, alarmAt('1-1', 1500))
      await send(t, 2, 3, alarmAt('1-2', 1500, { active: false, acknowledged: true, clearedAt: at(1600) }))
      await sweep(fixture.storage.database, 2000)
      const left = await alarms.alerts(t, { from: 0, to: 5000, limit: 9, cursor: null })
      expect(left.items.map(({ id }) => id)).toEqual(['b'])
      expect([await alarms.get(t, 'edge-1', '1-1'), await alarms.get(t, 'edge-1', '1-2')]).toMatchObject([
        { gateway: 'edge-1' },
        null,
      ])
    })
  })

  it('knows the fleet: state, clock, backlog, and what became of an offered configuration', async () => {
    const t = await tenant()
    const { gateways, ingest } = fixture.storage
    await expect(gateways.offer(t, 'edge-1', { text: 'a', comment: null, by: 'me' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    await ingest.hello(t, hello('edge-1', [{ id: 'press-1.pressure' }], '2.0'))
    await ingest.take(t, numbers({ firstSeq: 1, values: [1], at: Date.now() - 5000 }))
    const [edge] = (await gateways.list(t, PAGE)).items
    expect(edge).toMatchObject({
      id: 'edge-1',
      version: '2.0',
      epoch: 3,
      sensors: 1,
      isReplaying: false,
      configuration: null,
    })
    expect(edge!.lagMs).toBeGreaterThanOrEqual(5000)
    expect(edge!.clockOffsetMs).toBe(-edge!.lagMs!)
    expect(await gateways.offer(t, 'edge-1', { text: 'version: 1', comment: 'x', by: 'me' })).toMatchObject({
      revision: 'r1',
      state: 'offered',
    })
    expect(await gateways.offer(t, 'edge-1', { text: 'version: 2', comment: null, by: 'me' })).toMatchObject({
      revision: 'r2',
    })
    const report = { state: 'rolledBack', number: 7, reason: 'Worse', problems: [{ line: 1 }] } as const
    expect(await gateways.report(t, 'edge-1', 'r2', report)).toMatchObject({ ...report, text: 'version: 2' })
    await expect(gateways.report(t, 'edge-1', 'r9', report)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await gateways.offered(t, 'edge-1')).toMatchObject({ revision: 'r2', state: 'rolledBack' })
    expect((await gateways.offers(t, 'edge-1', PAGE)).items.map(({ revision, state }) => [revision, state])).toEqual([
      ['r2', 'rolledBack'],
      ['r1', 'withdrawn'],
    ])
    const known = (await gateways.get(t, 'edge-1'))!.configuration!
    expect(known).toMatchObject({ revision: 'r2', state: 'rolledBack', number: 7 })
    expect(Math.abs(known.offeredAt - Date.now())).toBeLessThan(3_600_000)
    expect(await gateways.asks(t, 'edge-1', true)).toBeNull()
    await gateways.remove(t, 'edge-1')
    expect(await gateways.get(t, 'edge-1')).toBeNull()
    await ingest.take(t, numbers({ firstSeq: 2, values: [1], at: Date.now() }))
    expect(await gateways.get(t, 'edge-1')).not.toBeNull()
  })
})
