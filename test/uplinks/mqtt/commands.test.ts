import fc from 'fast-check'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import type { EventEntry } from '#domain/alarm.ts'
import type { Value } from '#domain/value.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { readRequest } from '#uplinks/mqtt/command-request.ts'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { createUplinks, type Uplinks } from '#uplinks/uplinks.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'
import { ModelLetters, modelPorts } from '../model-letters.ts'
import { hasMosquitto, Mosquitto } from './mosquitto.ts'

const MODEL = modelOf(['press-1.set-point'])
const never = new AbortController().signal

describe.skipIf(!hasMosquitto).each(['3.1.1', 5] as const)('Commands over MQTT %s (needs mosquitto)', (protocol) => {
  let broker: Mosquitto
  let uplinks: Uplinks
  let asker: MqttClient
  let writes: Value[]
  let events: EventEntry[]
  let answers: {
    topic: string
    answer: { id: string | null; ok: boolean; result?: object; error?: { code: string } }
  }[]

  const begin = async (allow: readonly ('write' | 'read')[]): Promise<void> => {
    const ports = modelPorts(new ModelLetters(), {
      record: (event) => events.push(event),
      commands: {
        write: (_sensor, value) => {
          writes.push(value)
          return Promise.resolve(value)
        },
        acknowledge: () => {},
        check: () => Promise.resolve([]),
      },
    })
    const definition = { id: 'hq', kind: mqttUplink, config: { url: broker.url, protocol }, include: [], exclude: [] }
    const commands = { allow, write: ['*'], maxAgeMs: 30_000 }
    uplinks = createUplinks({
      clock: systemClock,
      log: silentLogger,
      registry: new Registry(),
      random: () => 0.2,
      journal: new ModelJournal(),
      model: () => MODEL,
      gateway: 'edge-01',
      factory: 'Plant A',
      uplinks: [{ ...definition, maxRate: null, commands }],
      ports,
    })
    await uplinks.start(never)
    await vi.waitFor(() => expect(uplinks.list()[0]!.state).toBe('online'), EVENTUALLY)
  }
  const ask = (path: string, payload: object | string, retain = false): Promise<unknown> =>
    asker.publishAsync(
      `telemetryx/edge-01/request/${path}`,
      typeof payload === 'string' ? payload : JSON.stringify(payload),
      { qos: 1, retain },
    )

  beforeEach(async () => {
    broker = await Mosquitto.start()
    writes = []
    events = []
    answers = []
    asker = await connectAsync(broker.url)
    asker.on('message', (topic, payload) => answers.push({ topic, answer: JSON.parse(payload.toString()) }))
    await asker.subscribeAsync('telemetryx/edge-01/response/#')
  })
  afterEach(async () => {
    await uplinks.stop(never)
    await asker.endAsync()
    await broker.close()
  })

  it('are answered under their transaction id, once carried out however often they are asked', async () => {
    await begin(['write'])
    await ask('write', { id: 'tx-1', by: 'scada', sensor: 'press-1.set-point', value: 40 })
    await ask('write', { id: 'tx-1', by: 'scada', sensor: 'press-1.set-point', value: 40 })
    await ask('write/tx-2', { sensor: 'press-1.set-point', value: 41 })
    await vi.waitFor(() => expect(answers).toHaveLength(3), EVENTUALLY)
    const done = { id: 'tx-1', ok: true, result: { command: 'write', sensor: 'press-1.set-point', value: 40 } }
    expect(answers).toMatchObject([
      { topic: 'telemetryx/edge-01/response/write', answer: done },
      { topic: 'telemetryx/edge-01/response/write', answer: done },
      { topic: 'telemetryx/edge-01/response/write/tx-2', answer: { id: 'tx-2', ok: true } },
    ])
    expect(writes).toEqual([40, 41])
    expect(events.map(({ message }) => message)).toEqual([
      'scada (uplink hq): write press-1.set-point = 40',
      'uplink hq: write press-1.set-point = 41',
    ])
  })

  it('that make no sense, are not allowed or too old are answered with what is wrong', async () => {
    await begin(['write'])
    await ask('write', 'nonsense')
    await ask('write/tx-7', { value: 1 })
    await ask('read', { id: 'tx-8', sensors: ['press-1.set-point'] })
    await ask('write', { id: 'tx-9', t: '2020-01-01T00:00:00Z', sensor: 'press-1.set-point', value: 1 })
    await vi.waitFor(() => expect(answers).toHaveLength(4), EVENTUALLY)
    expect(answers.map(({ answer }) => [answer.id, answer.error?.code])).toEqual([
      [null, 'USAGE'],
      ['tx-7', 'USAGE'],
      ['tx-8', 'PERMISSION_DENIED'],
      ['tx-9', 'EXPIRED'],
    ])
    expect(writes).toEqual([])
  })

  it('that the broker kept from before are not carried out', async () => {
    await ask('write', { id: 'old', sensor: 'press-1.set-point', value: 1 }, true)
    await begin(['write'])
    await ask('write', { id: 'new', sensor: 'press-1.set-point', value: 2 })
    await vi.waitFor(() => expect(answers.map(({ answer }) => answer.id)).toEqual(['new']), EVENTUALLY)
    expect(writes).toEqual([2])
  })
})

describe('A request over MQTT', () => {
  it('is a command or USAGE, whatever the bytes', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .record({ id: fc.anything(), sensor: fc.anything(), value: fc.anything(), t: fc.anything() })
        .map((fields) =>
          new TextEncoder().encode(
            JSON.stringify(fields, (_key, value: unknown) => (typeof value === 'bigint' ? 1 : value)),
          ),
        ),
    )
    const path = fc.array(fc.constantFrom('write', 'read', 'acknowledge', 'check', 'tx', ''), { maxLength: 3 })
    fc.assert(
      fc.property(path, anything, (levels, payload) => {
        try {
          expect(readRequest(levels, payload).id).not.toBe('')
        } catch (error) {
          if (!isTelemetryError(error, 'USAGE')) throw error
        }
      }),
    )
  })
})
