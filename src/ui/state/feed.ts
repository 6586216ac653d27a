// Fills the plant: first the model and the state by REST, then changes by WebSocket; the rest is asked for every few seconds.
// Readings are shown once for each frame of the screen, however many come.

import { batch } from '@preact/signals'
import type { GatewayApi } from '../client/gateway-api.ts'
import type { LiveMessage } from '../client/decode.ts'
import { ShapeError } from '../client/fields.ts'
import { ApiError, errorMessage } from '../client/http.ts'
import { LiveSocket, type LiveState, type Socket } from '../client/live-socket.ts'
import type { Alarm, Gateway, Latest } from '../client/wire.ts'
import { SEVERITY_WORDS, sensorName } from '../format/words.ts'
import { LiveSensor } from './live-sensor.ts'
import type { Plant } from './plant.ts'

const POLL_MS = 5000
const RETRY_MS = 3000
const MODEL_RELOAD_MS = 10_000
const DURABLE_AFTER_MS = 2500

export interface FeedOptions {
  readonly plant: Plant
  readonly api: GatewayApi
  readonly openSocket: (since: string | null) => Socket
  /** The connection is back: what these sensors said meanwhile can be asked for. */
  readonly onBack: (sensors: readonly LiveSensor[]) => void
  /** Runs `callback` before the next frame is drawn. */
  readonly onNextFrame: (callback: () => void) => void
  readonly after: (delayMs: number, callback: () => void) => () => void
  /** Something tells that the gateway may have been updated since this page was loaded. Never rejects. */
  readonly checkPage: () => Promise<boolean>
  readonly now: () => number
  readonly random: () => number
}

export class Feed {
  readonly #options: FeedOptions
  readonly #plant: Plant
  readonly #socket: LiveSocket
  readonly #dirty = new Set<LiveSensor>()
  #isFrameWanted = false
  #isRunning = false
  #cancelPoll: (() => void) | null = null
  /** Changes that came while the list of alarms was on its way: they are newer than it. */
  #alarmChanges: Alarm[] | null = null
  #modelLoadedAt = 0

  constructor(options: FeedOptions) {
    this.#options = options
    this.#plant = options.plant
    this.#socket = new LiveSocket({
      open: options.openSocket,
      random: options.random,
      after: options.after,
      onMessage: (message) => this.#onMessage(message),
      onState: (state) => this.#onState(state),
      onSessionEnded: () => void this.#askSession(),
      onUnreadable: (error) => this.#giveUp(error),
    })
  }

  /** Loads everything and stays connected until `stop`. Never throws: what is wrong stands in the plant. */
  async start(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    if (!(await this.#askSession())) return
    try {
      await this.#loadModel()
      await this.#loadState()
    } catch (error) {
      const isUnreadable = error instanceof ShapeError
      if (isUnreadable) await this.#options.checkPage()
      this.#plant.loading.value = { state: isUnreadable ? 'unreadable' : 'failed', message: errorMessage(error) }
      this.#isRunning = false
      this.#options.after(RETRY_MS, () => void this.start())
      return
    }
    this.#plant.loading.value = { state: 'ready' }
    this.#socket.start()
    this.#schedulePoll()
  }

  /** The configuration has changed: what there is, and how it is, is asked for at once. Never throws. */
  async refresh(): Promise<void> {
    try {
      await this.#loadModel()
      await this.#loadState()
    } catch {
      // the next poll tries again
    }
  }

  stop(): void {
    this.#isRunning = false
    this.#cancelPoll?.()
    this.#socket.close()
  }

  #giveUp(error: unknown): void {
    this.stop()
    void this.#options.checkPage()
    this.#plant.loading.value = { state: 'unreadable', message: errorMessage(error) }
  }

  /** False when a login is needed; the feed has then stopped. */
  async #askSession(): Promise<boolean> {
    try {
      const session = await this.#options.api.session()
      this.#plant.session.value = session
      if (session.auth === 'none' || session.user !== null) return true
      this.stop()
      return false
    } catch {
      return true // no answer: loading the state will say so
    }
  }

  async #loadModel(): Promise<void> {
    this.#modelLoadedAt = this.#options.now()
    const [machines, sensors] = await Promise.all([this.#options.api.machines(), this.#options.api.sensors()])
    const known = this.#plant.sensors.peek()
    const live = sensors.map((sensor) => {
      const before = known.get(sensor.id)
      return before !== undefined && JSON.stringify(before.sensor) === JSON.stringify(sensor)
        ? before
        : new LiveSensor(sensor, this.#plant)
    })
    batch(() => this.#plant.setModel(machines, live))
  }

  async #loadState(): Promise<void> {
    const { api, now } = this.#options
    const askedAt = now()
    const [gateway, devices, uplinks] = await Promise.all([api.gateway(), api.devices(), api.uplinks()])
    const middle = (askedAt + now()) / 2
    const isNewStart = this.#isNewStart(gateway)
    batch(() => {
      this.#plant.isAnswering.value = true
      this.#plant.clockOffsetMs.value = gateway.time - middle
      this.#plant.gateway.value = gateway
      this.#plant.devices.value = devices
      this.#plant.uplinks.value = uplinks
    })
    if (!isNewStart) return
    void this.#options.checkPage()
    await this.#loadModel()
  }

  #isNewStart(gateway: Gateway): boolean {
    const before = this.#plant.gateway.peek()
    return before !== null && before.epoch !== gateway.epoch
  }

  /** The list answers for what ended while the page was away. */
  async #loadAlarms(): Promise<void> {
    this.#alarmChanges = []
    try {
      const alarms = await this.#options.api.alarms()
      const changes = this.#alarmChanges
      this.#alarmChanges = null
      batch(() => {
        this.#plant.alarms.value = new Map(alarms.map((alarm) => [alarm.id, alarm]))
        for (const change of changes) this.#plant.putAlarm(change)
      })
    } catch {
      this.#alarmChanges = null // the poll notices that the gateway does not answer, and the socket comes back
    }
  }

  #schedulePoll(): void {
    this.#cancelPoll = this.#options.after(POLL_MS, () => void this.#poll())
  }

  async #poll(): Promise<void> {
    try {
      await this.#loadState()
    } catch (error) {
      if (error instanceof ShapeError) void this.#options.checkPage()
      const isSilent = error instanceof ApiError && error.status === 0
      if (isSilent && this.#plant.isAnswering.peek()) {
        this.#plant.isAnswering.value = false
        this.#socket.reconnect() // a dead connection does not always notice
      }
    }
    if (this.#isRunning) this.#schedulePoll()
  }

  #onState(state: LiveState): void {
    const before = this.#plant.live.peek()
    if (state === before) return
    this.#plant.live.value = state
    if (state === 'reconnecting' && before === 'live') {
      for (const live of this.#plant.sensors.peek().values()) live.gap()
      this.#plant.announcement.value = 'Connection to the gateway lost. Values are not live.'
    }
    if (state !== 'live') return
    if (before === 'reconnecting') this.#plant.announcement.value = 'Connected again. Values are live.'
    // Who comes back is told what has changed, and whether that is all: see #onReadings.
    if (before === 'connecting') void this.#loadAlarms()
    void this.#loadState().catch(() => undefined) // the next poll tries again
  }

  #onMessage(message: LiveMessage): void {
    if (message.type === 'alarm') this.#onAlarm(message.alarm)
    else {
      if (message.resumed === false) void this.#loadAlarms()
      this.#onReadings(message.readings, message.snapshot)
      if (message.resumed !== null) this.#onBack()
    }
  }

  #onReadings(readings: readonly Latest[], isSnapshot: boolean): void {
    const sensors = this.#plant.sensors.peek()
    let hasUnknown = false
    for (const reading of readings) {
      const live = sensors.get(reading.sensor)
      if (live === undefined) {
        hasUnknown = true
        continue
      }
      live.take(reading, isSnapshot)
      this.#dirty.add(live)
    }
    if (hasUnknown && this.#options.now() - this.#modelLoadedAt > MODEL_RELOAD_MS) {
      void this.#loadModel().catch(() => undefined) // asked again at the next unknown sensor
    }
    this.#wantFrame()
  }

  #onBack(): void {
    // What has just been read is not yet on the gateway's disk, where the past is taken from.
    this.#options.after(DURABLE_AFTER_MS, () => {
      this.#plant.comebacks.value += 1
      this.#options.onBack([...this.#plant.sensors.peek().values()])
    })
  }

  #wantFrame(): void {
    if (this.#isFrameWanted) return
    this.#isFrameWanted = true
    this.#options.onNextFrame(() => {
      this.#isFrameWanted = false
      batch(() => {
        for (const live of this.#dirty) live.flush()
      })
      this.#dirty.clear()
    })
  }

  #onAlarm(alarm: Alarm): void {
    this.#alarmChanges?.push(alarm)
    const isNew = alarm.active && !alarm.acknowledged && !this.#plant.alarms.peek().has(alarm.id)
    this.#plant.putAlarm(alarm)
    if (isNew && this.#alarmChanges === null) this.#plant.announcement.value = this.#sentence(alarm)
  }

  #sentence(alarm: Alarm): string {
    const live = this.#plant.sensor(alarm.sensor)
    const machine = this.#plant.machines.peek().find((view) => view.machine.id === alarm.machine)?.machine.name
    const where = [machine, live === undefined ? alarm.sensor : sensorName(live.sensor)].filter(
      (word) => word !== undefined,
    )
    return `New alarm, priority ${SEVERITY_WORDS[alarm.severity].toLowerCase()}: ${where.join(', ')}. ${alarm.message}`
  }
}
