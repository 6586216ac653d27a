import { describe, expect, it } from 'vitest'
import type { EventEntry } from '#domain/alarm.ts'
import type { Command, CommandRequest } from '#domain/command.ts'
import { TelemetryError } from '#domain/errors.ts'
import { qualityOf, Status } from '#domain/quality.ts'
import type { Value } from '#domain/value.ts'
import type { WriteOrigin } from '#domain/views.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { UplinkCommandDesk } from '#uplinks/command-desk.ts'
import type { CommandRules } from '#uplinks/definition.ts'
import { SensorMap } from '#uplinks/sensor-map.ts'
import { modelOf } from './model-journal.ts'
import { ModelLetters, modelPorts } from './model-letters.ts'

const MODEL = modelOf(['press-1.set-point', 'oven-1.set-point'])
const NAMES = new SensorMap([{ sensor: 'press-1.*', as: 'p1.*', machine: null }])
const ALL: CommandRules = { allow: ['write', 'read', 'acknowledge', 'check'], write: ['press-*.*'], maxAgeMs: 30_000 }

function setUp(rules: Partial<CommandRules> = {}) {
  const clock = new ManualClock()
  const writes: { sensor: number; value: Value; origin: WriteOrigin }[] = []
  const events: EventEntry[] = []
  const acknowledged: string[] = []
  let hold: Promise<void> = Promise.resolve()
  const ports = modelPorts(new ModelLetters(), {
    record: (event) => events.push(event),
    latest: (sensor) =>
      sensor === 0
        ? {
            sensor: 'press-1.set-point',
            value: 7,
            status: Status.Good,
            quality: qualityOf(Status.Good),
            time: 5,
            receivedAt: 6,
          }
        : null,
    commands: {
      write: async (sensor, value, origin) => {
        writes.push({ sensor, value, origin })
        await hold
        return value
      },
      acknowledge: (alarm, by) => {
        if (alarm !== '3-7') throw new TelemetryError('NOT_FOUND', `There is no alarm ${alarm}`)
        acknowledged.push(by)
      },
      check: () => Promise.resolve([{ line: 1, column: 2, message: 'wrong' }]),
    },
  })
  const desk = new UplinkCommandDesk({
    clock,
    uplink: 'hq',
    rules: { ...ALL, ...rules },
    model: () => MODEL,
    mapped: () => NAMES.model(MODEL),
    ports,
  })
  const run = (request: CommandRequest, over: Partial<Command> = {}) =>
    desk.run({ id: null, by: null, sentAt: null, expiresAt: null, request, ...over })
  const holdWrites = (): (() => void) => {
    let release = (): void => {}
    hold = new Promise((resolve) => (release = resolve))
    return release
  }
  return { clock, desk, run, writes, events, acknowledged, holdWrites }
}

const WRITE: CommandRequest = { command: 'write', sensor: 'p1.set-point', value: 40 }

describe('Commands of an uplink', () => {
  it('write to the sensor behind the mapped name, and say in the journal who asked', async () => {
    const { run, writes, events } = setUp()
    expect(await run(WRITE, { id: 'tx-1', by: 'scada' })).toEqual({
      ok: true,
      result: { command: 'write', sensor: 'p1.set-point', value: 40 },
    })
    expect(writes).toEqual([{ sensor: 0, value: 40, origin: { by: 'scada (uplink hq)', from: 'uplink hq' } }])
    expect(events).toMatchObject([
      {
        type: 'uplink-command',
        severity: 'info',
        message: 'scada (uplink hq): write p1.set-point = 40',
        data: { uplink: 'hq', by: 'scada (uplink hq)', id: 'tx-1', command: 'write', ok: true },
      },
    ])
  })

  it('read, acknowledge and check; only looking leaves no trace', async () => {
    const { run, events, acknowledged } = setUp()
    expect(await run({ command: 'read', sensors: ['p1.set-point', 'oven-1.set-point'] })).toEqual({
      ok: true,
      result: {
        command: 'read',
        readings: [{ sensor: 'p1.set-point', value: 7, quality: 'good', status: 'Good', time: 5 }],
      },
    })
    expect(events).toEqual([])
    expect(await run({ command: 'acknowledge', alarm: '3-7', comment: 'seen' })).toMatchObject({ ok: true })
    expect(acknowledged).toEqual(['uplink hq'])
    expect(await run({ command: 'check', text: 'x' })).toEqual({
      ok: true,
      result: { command: 'check', problems: [{ line: 1, column: 2, message: 'wrong' }] },
    })
    expect(events).toHaveLength(2)
  })

  it.each([
    ['a command that is not allowed', { allow: ['read' as const] }, WRITE, {}, 'PERMISSION_DENIED'],
    ['a sensor beyond its rights', {}, { ...WRITE, sensor: 'oven-1.set-point' }, {}, 'PERMISSION_DENIED'],
    ['a sensor that there is not', {}, { ...WRITE, sensor: 'press-1.set-point' }, {}, 'NOT_FOUND'],
    ['a value of another type', {}, { ...WRITE, value: 'on' }, {}, 'OUT_OF_RANGE'],
    ['a command that was sent too long ago', {}, WRITE, { sentAt: -30_001 }, 'EXPIRED'],
    ['a command from the future', {}, WRITE, { sentAt: 30_001 }, 'EXPIRED'],
    ['a command that is not valid any more', {}, WRITE, { expiresAt: -1 }, 'EXPIRED'],
    ['an alarm that there is not', {}, { command: 'acknowledge' as const, alarm: '9', comment: null }, {}, 'NOT_FOUND'],
    ['an endless transaction id', {}, WRITE, { id: 'x'.repeat(129) }, 'USAGE'],
  ])('refuse %s, and the journal knows', async (_what, rules, request, over, code) => {
    const { run, clock, writes, events } = setUp(rules)
    const relative = over as { sentAt?: number; expiresAt?: number; id?: string }
    const times = {
      ...relative,
      ...(relative.sentAt !== undefined && { sentAt: clock.now() + relative.sentAt }),
      ...(relative.expiresAt !== undefined && { expiresAt: clock.now() + relative.expiresAt }),
    }
    expect(await run(request as CommandRequest, times)).toMatchObject({ ok: false, code })
    expect(writes).toEqual([])
    expect(events).toMatchObject([{ severity: 'warning', data: { ok: false, code } }])
  })

  it('are carried out once for one id, however often it comes, also while it is under way', async () => {
    const { run, writes, holdWrites } = setUp()
    const release = holdWrites()
    const first = run(WRITE, { id: 'tx-1' })
    const second = run(WRITE, { id: 'tx-1' })
    release()
    const answers = [await first, await second, await run({ ...WRITE, value: 41 }, { id: 'tx-1' })]
    expect(answers).toEqual(
      Array(3).fill({ ok: true, result: { command: 'write', sensor: 'p1.set-point', value: 40 } }),
    )
    expect(writes).toHaveLength(1)
    await run(WRITE, { id: 'tx-2' })
    await run(WRITE)
    await run(WRITE)
    expect(writes).toHaveLength(4)
  })

  it('are bounded in number', async () => {
    const { run, holdWrites, writes } = setUp()
    const release = holdWrites()
    const all = Array.from({ length: 20 }, () => run(WRITE))
    release()
    const answers = await Promise.all(all)
    expect(answers.filter(({ ok }) => ok)).toHaveLength(16)
    expect(answers[19]).toMatchObject({ ok: false, code: 'RATE_LIMITED' })
    expect(writes).toHaveLength(16)
  })

  it('tell the device until when a write is wanted', async () => {
    const { run, writes, clock } = setUp()
    const now = clock.now()
    await run(WRITE, { sentAt: now - 1000 })
    await run(WRITE, { sentAt: now - 1000, expiresAt: now + 500 })
    expect(writes.map(({ origin }) => origin.expiresAt)).toEqual([now + 29_000, now + 500])
  })
})
