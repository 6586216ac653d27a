// What a gateway with a press and a furnace has told a central: an hour of readings, an alarm that is over, one that is open, and an
// event. Handed in as its uplink does it. Besides: people who sign in.

import { create, toBinary } from '@bufbuild/protobuf'
import { wireEvent, wireTransition } from '#rpc/entries.ts'
import { SensorSchema, ValueType } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { IngestRequestSchema, type IngestRequest } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { makeAlarm } from '#test/api/fakes.ts'

export const PASSWORD = 'correct horse battery'
const MINUTE = 60_000
const READINGS = 60

const PRESS = { machine: 'press-1', machineName: 'Press 1', factory: 'plant-a', factoryName: 'Plant A' }
const PRESS_SENSOR = 'press-1.oil-temperature'
const FURNACE = { ...PRESS, machine: 'furnace', machineName: 'Furnace' }

/** Asks a central as a person or a program does. */
export class CentralCaller {
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#url = url
    this.#headers = headers
  }

  /** The first administrator, made with the printed link. */
  static async first(url: string, link: string): Promise<CentralCaller> {
    const token = new URL(link).hash.replace('#token=', '')
    const body = { token, name: 'shift-lead', password: PASSWORD, tenant: { id: 'plant-group', name: 'Plant group' } }
    const response = await new CentralCaller(url, {}).ask('POST', '/setup', body)
    return new CentralCaller(url, { cookie: response.headers.get('set-cookie')!.split(';')[0]! })
  }

  async ask(method: string, path: string, body?: object): Promise<Response> {
    const isBytes = body instanceof Uint8Array
    const type = isBytes ? 'application/x-protobuf' : 'application/json'
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: { ...this.#headers, ...(body && { 'content-type': type }) },
      ...(body && { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }

  async addPerson(name: string, role: string): Promise<void> {
    await this.ask('POST', '/users', { name, password: PASSWORD, role })
  }

  /** The gateway registers and hands in what it has until `now`. */
  async handIn(gateway: string, now: number): Promise<void> {
    const made = await this.ask('POST', '/keys', { name: gateway, scopes: ['ingest'], gateway })
    const { key } = (await made.json()) as { key: string }
    const uplink = new CentralCaller(this.#url, { authorization: `Bearer ${key}` })
    await uplink.ask('POST', '/ingest', toBinary(IngestRequestSchema, recordsOf(gateway, now)))
  }
}

function recordsOf(gateway: string, now: number): IngestRequest {
  const from = now - READINGS * MINUTE
  const rows = Array.from({ length: READINGS }, (_, index) => index)
  const [raised, over, open] = transitionsAt(now)
  const last = BigInt(READINGS * 2)
  return create(IngestRequestSchema, {
    gateway,
    factory: 'Plant A',
    dictionary: {
      sensors: [
        create(SensorSchema, {
          number: 0,
          id: PRESS_SENSOR,
          valueType: ValueType.NUMBER,
          unit: 'degC',
          description: 'Oil temperature',
          ...PRESS,
        }),
        create(SensorSchema, { number: 1, id: 'furnace.heating', valueType: ValueType.BOOLEAN, ...FURNACE }),
      ],
    },
    batch: {
      epoch: 1,
      firstSeq: 1n,
      lastSeq: last + 5n,
      blocks: [
        {
          firstSeq: 1n,
          sensors: rows.flatMap(() => [0, 1]),
          receivedAtMs: BigInt(from),
          receivedDeltas: rows.flatMap((row) => [row === 0 ? 0 : MINUTE - 1, 1]),
          numbers: rows.map((row) => 60 + 18 * Math.sin(row / 6)),
          booleans: rows.map((row) => row % 20 < 10),
        },
      ],
      alarms: [
        { seq: last + 1n, transition: raised! },
        { seq: last + 2n, transition: over! },
        { seq: last + 3n, transition: open! },
      ],
      events: [
        {
          seq: last + 4n,
          event: wireEvent({
            kind: 'event',
            type: 'clock-stepped',
            severity: 'warning',
            time: now - 5 * MINUTE,
            message: 'The clock was set 3 s ahead',
            source: 'gateway',
          }),
        },
        {
          seq: last + 5n,
          // As the uplink to the brain notes an alert of it.
          event: wireEvent({
            kind: 'event',
            type: 'receiver-alert',
            severity: 'warning',
            time: now - 4 * MINUTE,
            message: 'Oil of Press 1 is hot while the furnace is on',
            source: 'brain',
            data: { alert: 'alert-1', rule: 'hot', ruleName: 'Hot oil', sensor: PRESS_SENSOR },
          }),
        },
      ],
    },
  })
}

function transitionsAt(now: number) {
  const sensor = PRESS_SENSOR
  const finding = { value: 76.2, limit: 75 }
  const raisedAt = now - 50 * MINUTE
  const high = makeAlarm('1-1', sensor, { raisedAt, finding, message: 'Oil temperature is 76.2 °C, high limit 75 °C' })
  const clearedAt = now - 40 * MINUTE
  const over = { ...high, active: false, clearedAt, acknowledged: true, acknowledgedAt: clearedAt }
  const urgent = makeAlarm('1-2', sensor, {
    raisedAt: now - 4 * MINUTE,
    level: 'lowLow',
    severity: 'urgent',
    finding: { value: 41.8, limit: 42 },
    message: 'Oil temperature is 41.8 °C, low-low limit 42 °C',
  })
  const by = { by: null, comment: null }
  return [
    wireTransition({ kind: 'alarm', change: 'raised', time: raisedAt, ...by, alarm: high }),
    wireTransition({ kind: 'alarm', change: 'cleared', time: clearedAt, ...by, alarm: over }),
    wireTransition({ kind: 'alarm', change: 'raised', time: urgent.raisedAt, ...by, alarm: urgent }),
  ]
}
