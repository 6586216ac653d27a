// One Sparkplug session, from NBIRTH on: which devices are born, the sequence number, and records as messages, strictly in the
// order of their positions: a message ends where the device changes. Pure but for `publish`.

import type { Entry } from '#domain/alarm.ts'
import { ENTRY, type Reading, type RecordBatch } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Delivery } from '#domain/uplink.ts'
import { encodePayload, type MetricInit } from '#kit/sparkplug/encode.ts'
import { DataType } from '#kit/sparkplug/payload.ts'
import { sparkplugTopic, type MessageType } from '#kit/sparkplug/topic.ts'
import { PayloadEncoder } from '../mqtt/payload.ts'
import { DeviceLife } from './device-life.ts'
import { birthMetric, dataMetric } from './metric.ts'
import { ALARM_ALIAS, EVENT_ALIAS, type NodeDevice, type NodePoints, type Point } from './node-points.ts'
import { formatPositions } from './positions.ts'

/** Text in one message, in UTF-16 units: host applications have limits. */
const MAX_TEXT = 64 * 1024
/** Status that no reading has: the next one says its own. */
const UNSAID = 0xffff_ffff

export interface EdgeNodeOptions {
  readonly group: string
  readonly node: string
  readonly gateway: string
  readonly factory: string
  readonly version: string | null
  readonly bdSeq: number
  readonly latest: (sensor: SensorNumber) => Reading | null
  /** Unix milliseconds. */
  readonly now: () => number
  readonly publish: (topic: string, payload: Uint8Array) => void
}

/** Rows that cannot be sent, with the reason. */
export type Rejected = { row: number; reason: string }[]

export class EdgeNode {
  readonly #options: EdgeNodeOptions
  readonly #entries: PayloadEncoder
  readonly #life = new DeviceLife()
  readonly #born = new Set<string>()
  #points: NodePoints | null = null
  #seq = 0
  /** By sensor: status in the last message that is no history. */
  #saidStatus = new Uint32Array(0)
  /** By sensor: receive time of the reading in the last birth; NaN: it had none. */
  #bornWith = new Float64Array(0)

  constructor(options: EdgeNodeOptions) {
    this.#options = options
    this.#entries = new PayloadEncoder(options.gateway)
  }

  get points(): NodePoints | null {
    return this.#points
  }

  /** NBIRTH, and DBIRTH of every device that is not silent. Also a rebirth: the bdSeq stays (§6.4.19). */
  birth(points: NodePoints): void {
    this.#points = points
    this.#born.clear()
    this.#life.begin(points)
    this.#saidStatus = new Uint32Array(points.top + 1).fill(UNSAID)
    this.#bornWith = new Float64Array(points.top + 1).fill(Number.NaN)
    this.#seq = 0
    this.#publish('NBIRTH', null, this.#nodeMetrics())
    for (const device of points.devices.values()) {
      for (const { sensor } of device.points) {
        const latest = this.#options.latest(sensor.number)
        if (latest) this.#life.note(sensor.number, latest.status)
      }
      if (!this.#life.isSilent(device)) this.#birthOf(device)
    }
  }

  /** Sends the rows from index `from` up to, not including, `to`, all of them before it returns. */
  send({ batch, rows, lane, historical: waited }: Delivery, from: number, to: number, rejected: Rejected): void {
    // In the live lane, what waited is still the newest: only the value in the birth can be newer.
    const historical = waited && lane !== 'live'
    for (let at = from; at < to;) {
      const row = rows[at]!
      const point = batch.sensor[row] === ENTRY ? null : this.#points?.at(batch.sensor[row]!)
      if (point === undefined) {
        rejected.push({ row, reason: 'The sensor is no longer configured' })
        at += 1
      } else if (point === null) {
        this.#sendEntry(batch, row, historical)
        at += 1
      } else {
        at = this.#sendRun({ batch, rows, historical, device: point.device, from: at, to })
      }
    }
  }

  /** Rows of one device; answers the index of the first row that is not part of it. */
  #sendRun(run: Pick<Delivery, 'batch' | 'rows' | 'historical'> & { device: NodeDevice; from: number; to: number }) {
    const { batch, rows, device } = run
    if (!this.#born.has(device.id)) this.#birthOf(device)
    const metrics: MetricInit[] = []
    const seqs: number[] = []
    let at = run.from
    for (let text = 0; at < run.to && text < MAX_TEXT; at++) {
      const row = rows[at]!
      const point = batch.sensor[row] === ENTRY ? undefined : this.#points?.at(batch.sensor[row]!)
      if (point?.device !== device) break
      metrics.push(this.#metric(point, batch, row, run.historical))
      seqs.push(batch.firstSeq + row)
      text += batch.texts.get(row)?.length ?? 0
    }
    this.#publish('DDATA', device.id, metrics, formatPositions(this.#options.gateway, batch.epoch, seqs))
    if (this.#life.isSilent(device)) this.#deathOf(device)
    return at
  }

  #metric(point: Point, batch: RecordBatch, row: number, waited: boolean): MetricInit {
    const { number } = point.sensor
    const status = batch.status[row]!
    // What is older than the value in the birth must not take its place.
    const isHistorical = waited || batch.receivedAt[row]! < this.#bornWith[number]!
    const withStatus = status !== 0 || this.#saidStatus[number] !== 0
    if (!isHistorical) this.#saidStatus[number] = status
    this.#life.note(number, status)
    return dataMetric(point, { batch, row, isHistorical, withStatus })
  }

  #sendEntry(batch: RecordBatch, row: number, waited: boolean): void {
    const entry = JSON.parse(batch.texts.get(row) ?? '{}') as Entry // written by the journal
    const seq = batch.firstSeq + row
    const metric: MetricInit = {
      alias: entry.kind === 'alarm' ? ALARM_ALIAS : EVENT_ALIAS,
      timestamp: BigInt(Math.max(0, Math.floor(entry.time))),
      value: { case: 'stringValue', value: this.#entries.entry(entry, batch.epoch, seq) },
      ...(waited ? { isHistorical: true } : {}),
    }
    this.#publish('NDATA', null, [metric], formatPositions(this.#options.gateway, batch.epoch, [seq]))
  }

  #nodeMetrics(): MetricInit[] {
    const { bdSeq, gateway, factory, version } = this.#options
    const timestamp = BigInt(this.#options.now())
    const text = (name: string, value: string): MetricInit => ({
      name,
      timestamp,
      datatype: DataType.String,
      value: { case: 'stringValue', value },
    })
    const none = (name: string, alias: bigint): MetricInit => ({
      name,
      alias,
      timestamp,
      datatype: DataType.String,
      isNull: true,
    })
    const rebirth = { case: 'booleanValue', value: false } as const
    return [
      bdSeqMetric(bdSeq, timestamp),
      // Without an alias: a host application may ask by name before it has seen a birth (§6.4.19).
      { name: 'Node Control/Rebirth', timestamp, datatype: DataType.Boolean, value: rebirth },
      text('Properties/Gateway', gateway),
      text('Properties/Factory', factory),
      ...(version === null ? [] : [text('Properties/Version', version)]),
      none('Alarm', ALARM_ALIAS),
      none('Event', EVENT_ALIAS),
    ]
  }

  #birthOf(device: NodeDevice): void {
    const now = this.#options.now()
    const metrics = device.points.map((point) => {
      const latest = this.#options.latest(point.sensor.number)
      this.#saidStatus[point.sensor.number] = latest?.status ?? UNSAID
      this.#bornWith[point.sensor.number] = latest?.receivedAt ?? Number.NaN
      return birthMetric(point, latest, now)
    })
    this.#born.add(device.id)
    this.#publish('DBIRTH', device.id, metrics)
  }

  #deathOf(device: NodeDevice): void {
    this.#born.delete(device.id)
    this.#publish('DDEATH', device.id, [])
  }

  #publish(type: MessageType, device: string | null, metrics: MetricInit[], uuid?: string): void {
    const { group, node, now, publish } = this.#options
    const seq = BigInt(this.#seq)
    this.#seq = (this.#seq + 1) % 256
    const payload = { timestamp: BigInt(now()), metrics, seq, ...(uuid === undefined ? {} : { uuid }) }
    publish(sparkplugTopic(type, { group, node, device }), encodePayload(payload))
  }
}

/** Payload of NDEATH: the will, and the goodbye. It has no sequence number (§6.4.25). */
export function deathPayload(bdSeq: number, now: number): Uint8Array {
  const timestamp = BigInt(now)
  return encodePayload({ timestamp, metrics: [bdSeqMetric(bdSeq, timestamp)] })
}

function bdSeqMetric(bdSeq: number, timestamp: bigint): MetricInit {
  return {
    name: 'bdSeq',
    timestamp,
    datatype: DataType.Int64,
    value: { case: 'longValue', value: BigInt(bdSeq) },
  }
}
