// The live feed: readings and alarms to WebSocket clients, in groups of equal interest. Nothing waits for a client.

import type { WebSocket } from 'ws'
import type { Alarm } from '#domain/alarm.ts'
import type { Model } from '#domain/sensor.ts'
import type { AlarmRegister, LatestValues } from '#domain/views.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { collectedGauge, type Registry } from '#kit/metrics.ts'
import { alarmShape, type AlarmShape } from '../shapes/alarm-shape.ts'
import { AddressCount } from '../connections.ts'
import { LiveClient } from './client.ts'
import { matcher, unmatched, wantedSensors } from './filter.ts'
import { LiveGroup } from './group.ts'
import type { NumberSet } from './number-set.ts'
import { LivePast } from './past.ts'
import { ReadingTexts } from './reading-texts.ts'

const PING_INTERVAL_MS = 10_000
/** A client without a sign of life for this long is cut off. */
export const MAX_SILENCE_MS = 30_000
/** How long clients have to answer the goodbye at a stop. */
const GOODBYE_MS = 1000

export interface LiveHubOptions {
  readonly maxClients: number
  /** Of one address; IPv6: of one /64. */
  readonly maxOfAddress: number
  readonly latest: LatestValues
  readonly alarms: Pick<AlarmRegister, 'list' | 'subscribe'>
  readonly model: () => Model
  /** Number of this start of the gateway: positions of another one mean nothing. */
  readonly epoch: number
  readonly clock: Clock
  readonly log: Logger
  readonly registry: Registry
  /** Told of each alarm beside what is always told; absent: nothing. */
  readonly alarmDetails?: (alarm: AlarmShape) => object
  /** Why every client is sent away at the end; default: the gateway stops. */
  readonly goodbye?: string
}

/** What a new client wants. */
export interface LiveWish {
  readonly patterns: readonly string[]
  /** May this client still see what it sees? */
  readonly isAllowed: () => boolean
  /** The last position that it was told; absent: it is new. */
  readonly since?: string | undefined
  /** Where it comes from. */
  readonly address: string
}

export class LiveHub {
  readonly #options: LiveHubOptions
  readonly #groups = new Map<string, LiveGroup>()
  #model: Model
  #texts: ReadingTexts
  readonly #past: LivePast
  #clients = 0
  readonly #ofAddress: AddressCount
  #unsubscribe: (() => void)[] = []
  #pinging: Timer | null = null
  #isClosing = false

  constructor(options: LiveHubOptions) {
    this.#options = options
    this.#ofAddress = new AddressCount(options.maxOfAddress)
    this.#model = options.model()
    this.#texts = new ReadingTexts(options.latest, this.#model)
    this.#past = new LivePast(options.epoch)
    collectedGauge({
      registry: options.registry,
      name: 'telemetryx_live_clients',
      help: 'Open WebSocket connections of the live feed',
      collect: () => [{ value: this.#clients }],
    })
  }

  /** Begins to listen to changes. */
  open(): void {
    const { latest, alarms } = this.#options
    this.#unsubscribe = [
      latest.subscribe((changed, count) => this.#onReadings(changed, count)),
      alarms.subscribe((alarm) => this.#onAlarm(alarm)),
    ]
    this.#schedulePing()
  }

  /** True when a client from `address` cannot be taken now. */
  isFullFor(address: string): boolean {
    return this.#clients >= this.#options.maxClients || this.#ofAddress.isFull(address) || this.#isClosing
  }

  /** Takes over an open socket: sends the snapshot, or what has changed since a position, then changes. */
  add(socket: WebSocket, { patterns, isAllowed, since, address }: LiveWish): void {
    // Its upgrade was under way when the others were told.
    if (this.#isClosing) return socket.close(1001, this.#goodbye)
    this.#refreshModel()
    const key = patterns.join(',')
    const group = this.#groups.get(key) ?? this.#newGroup(key, patterns)
    const everything = group.everything()
    const { clock } = this.#options
    const readingsMessage = (sensors: NumberSet, position: number): Buffer => this.#message(sensors, position)
    const client = new LiveClient({ socket, clock, sensors: everything.size, readingsMessage, isAllowed })
    group.clients.add(client)
    this.#clients += 1
    const isCounted = this.#ofAddress.enter(address)
    socket.once('close', () => {
      this.#clients -= 1
      if (isCounted) this.#ofAddress.leave(address)
      group.clients.delete(client)
      if (group.clients.size > 0 || this.#groups.get(key) !== group) return
      group.close()
      this.#groups.delete(key)
    })
    const missed = since === undefined ? null : this.#past.since(since, everything)
    const { position } = this.#past
    const resumed =
      missed !== null
        ? '"resumed":true,'
        : since === undefined
          ? '"snapshot":true,'
          : '"snapshot":true,"resumed":false,'
    const head = resumed + this.#unknown(patterns)
    const first = missed?.sensors ?? everything
    client.readings(this.#message(first, position, head), first, position)
    for (const alarm of missed?.alarms ?? this.#options.alarms.list())
      if (group.matches(alarm.sensor)) client.alarm(alarm.id, this.#alarmMessage(alarm))
  }

  /** Tells something else to the clients that want its sensor; empty: to all. A slow one gets the last of an id when it has caught up. */
  tell({ id, sensor }: { readonly id: string; readonly sensor: string }, message: object): void {
    const text = Buffer.from(JSON.stringify(message), 'utf8')
    for (const group of this.#groups.values()) {
      if (sensor !== '' && !group.matches(sensor)) continue
      for (const client of group.clients) client.alarm(id, text)
    }
  }

  /** Sends those away who may not see it any more. */
  endUnallowed(): void {
    for (const group of this.#groups.values())
      for (const client of group.clients) if (!client.isAllowed()) this.#end(client)
  }

  /** Says goodbye to every client (1001) and resolves when all are gone, at the latest when `signal` aborts. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosing = true
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#unsubscribe = []
    this.#pinging?.cancel()
    const sockets = [...this.#groups.values()].flatMap((group) => [...group.clients].map((client) => client.socket))
    for (const group of this.#groups.values()) group.close()
    const terminate = (): void => {
      for (const socket of sockets) socket.terminate()
    }
    const gone = sockets.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())))
    for (const socket of sockets) socket.close(1001, this.#goodbye)
    const timer = this.#options.clock.after(GOODBYE_MS, terminate)
    signal.addEventListener('abort', terminate, { once: true })
    if (signal.aborted) terminate()
    await Promise.all(gone)
    timer.cancel()
    signal.removeEventListener('abort', terminate)
  }

  get #goodbye(): string {
    return this.#options.goodbye ?? 'The gateway stops'
  }

  /** Who misspells a sensor would wait for it for ever. */
  #unknown(patterns: readonly string[]): string {
    const unknown = unmatched(this.#model, patterns)
    return unknown.length === 0 ? '' : `"unknown":${JSON.stringify(unknown)},`
  }

  #newGroup(key: string, patterns: readonly string[]): LiveGroup {
    const group = new LiveGroup({
      clock: this.#options.clock,
      wanted: wantedSensors(this.#model, patterns),
      patterns,
      matches: matcher(patterns),
      position: () => this.#past.position,
      readingsMessage: (sensors, position) => this.#message(sensors, position),
    })
    this.#groups.set(key, group)
    return group
  }

  #message(sensors: NumberSet, position: number, head = ''): Buffer {
    return Buffer.from(this.#texts.message(sensors, `${head}"position":"${this.#past.name(position)}",`), 'utf8')
  }

  #alarmMessage(alarm: Alarm): Buffer {
    const shape = alarmShape(alarm, this.#model)
    const told = { ...shape, ...this.#options.alarmDetails?.(shape) }
    return Buffer.from(JSON.stringify({ type: 'alarm', alarm: told }), 'utf8')
  }

  #onReadings(changed: Uint32Array, count: number): void {
    this.#refreshModel()
    for (let index = 0; index < count; index++) this.#texts.changed(changed[index]!)
    this.#past.readings(changed, count)
    for (const group of this.#groups.values()) group.collect(changed, count)
  }

  #onAlarm(alarm: Alarm): void {
    this.#past.alarm(alarm)
    if (this.#groups.size === 0) return
    this.#refreshModel()
    const message = this.#alarmMessage(alarm)
    for (const group of this.#groups.values()) {
      if (!group.matches(alarm.sensor)) continue
      for (const client of group.clients) client.alarm(alarm.id, message)
    }
  }

  /** After a reload: numbers stay, sensors come and go. */
  #refreshModel(): void {
    const model = this.#options.model()
    if (model === this.#model) return
    this.#model = model
    this.#texts = new ReadingTexts(this.#options.latest, model)
    this.#past.forget()
    for (const group of this.#groups.values()) group.rewire(wantedSensors(model, group.patterns))
  }

  #schedulePing(): void {
    this.#pinging = this.#options.clock.after(PING_INTERVAL_MS, () => {
      for (const group of this.#groups.values()) for (const client of group.clients) this.#probe(client)
      this.#schedulePing()
    })
  }

  #end(client: LiveClient): void {
    client.socket.close(1008, 'The session ended')
  }

  #probe(client: LiveClient): void {
    if (client.silentMs() >= MAX_SILENCE_MS) {
      this.#options.log.info({ silentMs: Math.round(client.silentMs()) }, 'A live client took nothing and was cut off')
      client.socket.terminate()
    } else if (!client.isAllowed()) {
      this.#end(client)
    } else if (client.socket.readyState === client.socket.OPEN) {
      client.socket.ping()
    }
  }
}
