// One connection to a broker, shared by the devices that name the same one. Its session is persistent and messages are
// acknowledged when the journal has them, so that the broker keeps what we lose.
//
// mqtt.js hands over one message after the other and would acknowledge each at the end of handleMessage. Here handleMessage
// ends with an error, which makes mqtt.js go on without an acknowledgement; ours is sent later (PUBACK, MQTT 3.1.1 §3.4).

import { Socket } from 'node:net'
import type { IPublishPacket, MqttClient } from 'mqtt'
import { TelemetryError } from '#domain/errors.ts'
import { sleep, systemClock, type Clock, type Timer } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { clientOptions, type Address } from './address.ts'
import { Duplicates } from './duplicates.ts'
import { accepted } from '#kit/mqtt-accepted.ts'
import type { Line, LineMember } from './line.ts'
import { PacketGuard } from '#kit/mqtt-packet-guard.ts'
import { closedError, connectionError } from '#kit/mqtt-reason.ts'

/** Longest packet of all; 3.1.1 has no way to tell the broker. */
const MAX_PACKET_BYTES = 16 * 1024 * 1024
/** How long messages for a device that has not subscribed yet are held back, and with them all that follow. */
const EXPECT_MS = 3000
const ROOM_CHECK_MS = 50
/** How long a close waits for the journal, to acknowledge what it has been given. */
const LAST_ACKS_MS = 2500
const GOODBYE_MS = 1000

/** Tells mqtt.js to go on without an acknowledgement. */
const NOT_YET = new Error('Acknowledged when the journal has it')

export interface ClientLineOptions {
  readonly address: Address
  readonly clock: Clock
}

export class ClientLine implements Line {
  readonly #options: ClientLineOptions
  readonly #expected = new Map<string, LineMember>()
  readonly #members = new Set<LineMember>()
  readonly #subscribed = new Set<LineMember>()
  readonly #duplicates = new Duplicates()
  #client: MqttClient | null = null
  #opening: { promise: Promise<void>; abort: AbortController } | null = null
  #leaving: Promise<void> = Promise.resolve()
  #unacknowledged = 0
  #mustForget = false
  #retry: Timer | null = null
  /** Looks again at the message that is held back. */
  #held: (() => void) | null = null

  constructor(options: ClientLineOptions) {
    this.#options = options
  }

  expect(member: LineMember): void {
    this.#expected.set(member.id, member)
  }

  async join(member: LineMember, signal: AbortSignal): Promise<void> {
    this.#members.add(member)
    this.#expected.set(member.id, member)
    try {
      await this.#leaving
      if (signal.aborted) throw new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason })
      if (this.#client === null) await untilAborted((this.#opening ??= this.#open(member)).promise, signal)
    } catch (error) {
      this.#members.delete(member)
      if (this.#members.size === 0) this.#stopOpening()
      throw error
    }
  }

  async subscribe(member: LineMember, signal: AbortSignal): Promise<readonly string[]> {
    const client = this.#client
    if (client === null) throw closedError(this.#options.address.name, false)
    this.#subscribed.add(member) // before the answer comes: it stands behind the messages that wait for this
    this.#held?.()
    const filters = [...member.filters]
    if (filters.length === 0) return []
    const answered = new Promise<readonly string[]>((resolve, reject) => {
      // As a list: of an object, mqtt.js would take `resubscribe` for a word of its own, and whole numbers out of their order.
      client.subscribe(filters, { qos: member.qos }, (error, _granted, packet) => {
        const codes = packet?.granted ?? []
        if (error && codes.length === 0) return reject(connectionError(error, this.#options.address.name))
        resolve(filters.filter((_filter, index) => (Number(codes[index]) & 0x80) !== 0))
      })
    })
    return await untilAborted(answered, signal)
  }

  publish(topic: string, payload: Uint8Array): void {
    this.#client?.publish(topic, Buffer.from(payload), { qos: 0 })
  }

  async leave(member: LineMember): Promise<void> {
    this.#subscribed.delete(member)
    if (!this.#members.delete(member) || this.#members.size > 0) return
    this.#stopOpening()
    const client = this.#client
    if (client === null) return
    this.#leaving = this.#goodbye(client)
    await this.#leaving
  }

  #open(first: LineMember): { promise: Promise<void>; abort: AbortController } {
    const abort = new AbortController()
    const promise = this.#connect(first, abort.signal).finally(() => {
      if (this.#opening?.abort === abort) this.#opening = null
    })
    return { promise, abort }
  }

  #stopOpening(): void {
    const opening = this.#opening
    this.#opening = null
    opening?.promise.catch(() => {}) // whoever waited for it knows by now
    opening?.abort.abort()
  }

  async #connect({ context }: LineMember, signal: AbortSignal): Promise<void> {
    const { address, clock } = this.#options
    const forget = this.#mustForget
    const gateway = context.gateway
    const isLook = context.purpose === 'look'
    const { connect } = await import('mqtt')
    const options = await clientOptions({ address, gateway, maxPacketBytes: MAX_PACKET_BYTES, forget, isLook })
    if (signal.aborted) throw new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason })
    const client = connect(address.url, options)
    client.handleMessage = (packet, done) => this.#take(client, packet, done)
    this.#guard(client)
    const deadline = { clock, timeoutMs: address.timeoutMs, what: `An answer of ${address.name}`, signal }
    const session = await withDeadline(deadline, (limit) => accepted(client, address.name, limit))
    if (signal.aborted) {
      client.end(true)
      throw new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason })
    }
    if (!session) this.#duplicates.clear()
    this.#mustForget = false
    if (client.stream instanceof Socket) client.stream.setNoDelay(true)
    this.#client = client
    this.#unacknowledged = 0
    client.on('error', (cause) => this.#lose(client, connectionError(cause, address.name)))
    client.on('disconnect', ({ reasonCode }) =>
      this.#lose(client, connectionError({ code: reasonCode ?? 0 }, address.name)),
    )
    client.on('close', () => this.#lose(client, closedError(address.name, false)))
    if (forget)
      context.log.warn({ broker: address.name }, 'What the broker had kept was given up: a message was too long')
    this.#held?.()
  }

  #guard(client: MqttClient): void {
    const guard = new PacketGuard(MAX_PACKET_BYTES)
    client.stream.on('data', (chunk: Uint8Array) => {
      if (guard.accept(chunk)) return
      // A session would bring it again and again.
      this.#mustForget = true
      for (const { context } of this.#members) context.countError('packet-too-long')
      client.stream.destroy(
        new TelemetryError('PROTOCOL', `A message of more than ${MAX_PACKET_BYTES >> 20} MiB came`, {
          retryable: true,
        }),
      )
    })
  }

  /** `done` goes on to the next message; until then nothing is read from the connection. */
  #take(client: MqttClient, packet: IPublishPacket, done: (error?: Error) => void): void {
    const since = this.#options.clock.monotonic()
    const tryNow = (): void => {
      this.#held = null
      this.#retry?.cancel()
      this.#retry = null
      if (this.#isOver(client)) return done(NOT_YET)
      if (!this.#mayPass(client, packet, since)) return this.#hold(tryNow)
      this.#pass(client, packet)
      done(NOT_YET)
    }
    tryNow()
  }

  #isOver(client: MqttClient): boolean {
    return client.disconnecting || client.stream.destroyed || (this.#client !== null && this.#client !== client)
  }

  #hold(tryNow: () => void): void {
    this.#held = tryNow
    this.#retry = this.#options.clock.after(ROOM_CHECK_MS, tryNow)
  }

  /** A message that the broker would send again waits for its device, and for room in the buffer. */
  #mayPass(client: MqttClient, { topic, qos }: IPublishPacket, since: number): boolean {
    if (this.#client !== client) return false // CONNACK is being looked at
    if (this.#options.clock.monotonic() - since < EXPECT_MS) {
      for (const member of this.#expected.values()) {
        if (!this.#subscribed.has(member) && member.wants(topic)) return false
      }
    } else {
      for (const member of this.#expected.values()) {
        if (!this.#subscribed.has(member)) this.#expected.delete(member.id) // it does not come: taken out of the YAML
      }
    }
    if (qos === 0) return true
    for (const { context } of this.#subscribed) return context.hasRoom?.() !== false
    return true
  }

  #pass(client: MqttClient, packet: IPublishPacket): void {
    const { topic, qos, retain, dup, messageId } = packet
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    const isRepeated = qos > 0 && dup && this.#duplicates.has(messageId!, topic, payload)
    let context = null
    for (const member of this.#subscribed) {
      context = member.context
      if (!member.wants(topic)) continue
      if (isRepeated) context.countError('duplicate')
      else member.message({ topic, payload, isRetained: retain })
    }
    if (qos === 0) return
    if (!isRepeated) this.#duplicates.note(messageId!, topic, payload)
    this.#unacknowledged += 1
    void (context?.durable?.() ?? Promise.resolve()).then(() => this.#acknowledge(client, messageId!))
  }

  #acknowledge(client: MqttClient, id: number): void {
    if (this.#client !== client) return
    this.#unacknowledged -= 1
    if (client.connected) client.stream.write(Buffer.from([0x40, 2, id >> 8, id & 0xff]))
  }

  #lose(client: MqttClient, error: TelemetryError): void {
    if (this.#client !== client) return
    const members = [...this.#members]
    this.#drop(client)
    this.#members.clear()
    for (const member of members) member.lost(error)
  }

  async #goodbye(client: MqttClient): Promise<void> {
    const until = systemClock.monotonic() + LAST_ACKS_MS
    while (this.#unacknowledged > 0 && this.#client === client && systemClock.monotonic() < until) {
      await sleep(systemClock, 10)
    }
    if (this.#client !== client) return
    this.#drop(client, false)
    const limit = new AbortController()
    await Promise.race([client.endAsync(false), sleep(systemClock, GOODBYE_MS, limit.signal)]).catch(() => {})
    limit.abort()
    client.stream.destroy()
  }

  #drop(client: MqttClient, isBroken = true): void {
    this.#client = null
    this.#subscribed.clear()
    this.#retry?.cancel()
    this.#retry = null
    this.#held = null
    if (isBroken) client.end(true)
  }
}

/** Resolves with `work`; rejects with ABORTED when `signal` aborts first. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void =>
      reject(new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason }))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
