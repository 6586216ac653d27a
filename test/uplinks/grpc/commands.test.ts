// What comes back over the stream: commands for the gateway's desk, alerts and changes of rules for its journal.

import { create } from '@bufbuild/protobuf'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Command, CommandAnswer } from '#domain/command.ts'
import type { UplinkNotice } from '#domain/uplink.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { AlertSchema } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { CommandSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { EVENTUALLY } from '#test/eventually.ts'
import { Commands } from '#uplinks/grpc/commands.ts'
import { Notices } from '#uplinks/grpc/notices.ts'
import { delivery, MODEL, never, openUplink, type OpenOptions } from './bed.ts'
import { ScriptedServer, type Answer } from './scripted-server.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function setUp(options: Omit<OpenOptions, 'config'>) {
  const server = new ScriptedServer()
  await server.start()
  const uplink = openUplink({ config: { url: server.url }, ...options })
  cleanups.push(
    () => server.stop(),
    () => uplink.connection.close(),
  )
  await uplink.connection.connect(never)
  return { server, uplink }
}

const command = (value: Extract<Answer, { case: 'command' }>['value']): Answer => ({ case: 'command', value })

describe('A command of a receiver', () => {
  it('goes to the desk as it was meant, and its answer comes back', async () => {
    const answer = ({ request }: Command): CommandAnswer => {
      if (request.command === 'write')
        return { ok: true, result: { command: 'write', sensor: request.sensor, value: 41.5 } }
      if (request.command === 'check')
        return { ok: true, result: { command: 'check', problems: [{ line: 3, column: 5, message: 'unknown key' }] } }
      if (request.command === 'acknowledge') return { ok: false, code: 'NOT_FOUND', message: 'There is no such alarm' }
      const reading = { value: 21.5, quality: 'good', status: 'Good', time: 1_795_000_000_000 } as const
      return { ok: true, result: { command: 'read', readings: [{ sensor: 'press-1.speed', ...reading }] } }
    }
    const { server, uplink } = await setUp({ allowed: ['write', 'read', 'acknowledge', 'check'], answer })
    const times = { sentAt: { seconds: 1_795_000_000n, nanos: 5e6 }, expiresAt: { seconds: 1_795_000_060n } }
    const write = { sensor: 'press-1.speed', value: { kind: { case: 'integer' as const, value: 2n ** 60n } } }
    server.send(command({ id: 'w', by: 'ada', ...times, action: { case: 'write', value: write } }))
    server.send(command({ id: 'r', action: { case: 'read', value: { sensors: ['press-1.speed'] } } }))
    server.send(command({ id: 'a', action: { case: 'acknowledgeAlarm', value: { alarmId: '3-7', comment: 'seen' } } }))
    server.send(command({ id: 'c', action: { case: 'checkConfiguration', value: { text: 'version: 1' } } }))
    await vi.waitFor(() => expect(server.results).toHaveLength(4), EVENTUALLY)
    expect(uplink.commands).toEqual([
      {
        id: 'w',
        by: 'ada',
        sentAt: 1_795_000_000_005,
        expiresAt: 1_795_000_060_000,
        request: { command: 'write', sensor: 'press-1.speed', value: '1152921504606846976' },
      },
      { id: 'r', by: null, sentAt: null, expiresAt: null, request: { command: 'read', sensors: ['press-1.speed'] } },
      {
        id: 'a',
        by: null,
        sentAt: null,
        expiresAt: null,
        request: { command: 'acknowledge', alarm: '3-7', comment: 'seen' },
      },
      { id: 'c', by: null, sentAt: null, expiresAt: null, request: { command: 'check', text: 'version: 1' } },
    ])
    const byId = new Map(server.results.map((result) => [result.id, result]))
    expect(byId.get('w')).toMatchObject({ errorCode: '', value: { kind: { case: 'number', value: 41.5 } } })
    expect(byId.get('r')).toMatchObject({
      readings: [
        {
          sensor: 'press-1.speed',
          gateway: 'edge-01',
          status: 0,
          timeMs: 1_795_000_000_000n,
          value: { kind: { value: 21.5 } },
        },
      ],
    })
    expect(byId.get('a')).toMatchObject({ errorCode: 'NOT_FOUND', message: 'There is no such alarm' })
    expect(byId.get('c')).toMatchObject({ errorCode: '', problems: [{ line: 3, column: 5, message: 'unknown key' }] })
  })

  it.each<[string, readonly ('read' | 'write')[], Extract<Answer, { case: 'command' }>['value'], string]>([
    [
      'that the uplink does not allow',
      ['read'],
      { id: 'x', action: { case: 'write', value: { sensor: 'a.b', value: { kind: { case: 'number', value: 1 } } } } },
      'PERMISSION_DENIED',
    ],
    ['of an uplink without commands', [], { id: 'x', action: { case: 'read', value: {} } }, 'PERMISSION_DENIED'],
    ['without an action', ['read'], { id: 'x' }, 'PROTOCOL'],
    ['without an id', ['read'], { action: { case: 'read', value: {} } }, 'PROTOCOL'],
    ['that writes nothing', ['write'], { id: 'x', action: { case: 'write', value: { sensor: 'a.b' } } }, 'PROTOCOL'],
  ])('is refused with a code: one %s', async (_what, allowed, value, errorCode) => {
    const { server, uplink } = await setUp({ allowed })
    server.send(command(value))
    await vi.waitFor(() => expect(server.results).toMatchObject([{ errorCode }]), EVENTUALLY)
    expect(uplink.commands).toEqual([])
  })

  it('is refused while sixteen are at work', async () => {
    const waiting: ((answer: CommandAnswer) => void)[] = []
    const desk = {
      allowed: new Set(['read'] as const),
      run: () => new Promise<CommandAnswer>((resolve) => waiting.push(resolve)),
    }
    const commands = new Commands({ desk, model: () => MODEL, gateway: 'edge-01' })
    const asked = Array.from({ length: 17 }, (_, n) =>
      commands.run(create(CommandSchema, { id: `c-${n}`, action: { case: 'read', value: { sensors: [] } } })),
    )
    expect(await asked[16]).toMatchObject({ id: 'c-16', errorCode: 'RATE_LIMITED' })
    for (const resolve of waiting) resolve({ ok: true, result: { command: 'read', readings: [] } })
    expect((await Promise.all(asked)).filter(({ errorCode }) => errorCode === '')).toHaveLength(16)
  })
})

describe('What a receiver has to say', () => {
  it('is told a hundred times at once, and then ten times a second', async () => {
    const clock = new ManualClock()
    const told: UplinkNotice[] = []
    const notices = new Notices({ clock, log: silentLogger, uplink: 'brain', notify: (notice) => told.push(notice) })
    const send = (count: number): void => {
      for (let n = 0; n < count; n++) notices.alert(create(AlertSchema, { message: 'again' }))
    }
    send(150)
    expect(told).toHaveLength(100)
    await clock.advance(1000)
    send(50)
    expect(told).toHaveLength(110)
    expect(notices.suppressed).toBe(90)
    await clock.advance(60_000)
    send(150)
    expect(told).toHaveLength(210)
  })

  it('becomes an event, once for each alert', async () => {
    const { server, uplink } = await setUp({})
    const alert = {
      id: 'al-1',
      ruleId: 'hot',
      ruleName: 'Too hot',
      severity: 4,
      message: 'Oil is at 95 degC',
      sensor: 'press-1.oil',
      position: { epoch: 7, seq: 42n },
    }
    server.send({ case: 'alert', value: alert })
    server.send({ case: 'alert', value: alert }) // again, as after a reconnect
    server.send({
      case: 'ruleChange',
      value: { kind: 2, rule: { id: 'hot', name: 'Too hot', enabled: true, revision: 3n } },
    })
    await uplink.connection.deliver(await delivery(7, 1), never)
    expect(uplink.notices).toEqual([
      {
        type: 'receiver-alert',
        severity: 'error',
        message: 'Oil is at 95 degC',
        data: { alert: 'al-1', rule: 'hot', ruleName: 'Too hot', sensor: 'press-1.oil', position: '7/42' },
      },
      {
        type: 'receiver-rule',
        severity: 'info',
        message: 'Rule Too hot was updated',
        data: { rule: 'hot', name: 'Too hot', change: 'updated', enabled: true, revision: '3' },
      },
    ])
  })
})
