// The line of devices on the embedded broker: no connection, no bytes. The publisher's acknowledgement waits for the journal.

import { TelemetryError } from '#domain/errors.ts'
import type { LocalBroker } from '#domain/broker.ts'
import { sleep, type Clock } from '#kit/clock.ts'
import type { Line, LineMember } from './line.ts'

const ROOM_CHECK_MS = 50

export class EmbeddedLine implements Line {
  readonly #broker: LocalBroker
  readonly #clock: Clock
  readonly #ends = new Map<LineMember, (() => void)[]>()

  constructor(broker: LocalBroker, clock: Clock) {
    this.#broker = broker
    this.#clock = clock
  }

  expect(): void {}

  join(member: LineMember, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(new TelemetryError('ABORTED', 'Connecting was stopped'))
    this.#end(member)
    this.#ends.set(member, [])
    return Promise.resolve()
  }

  // Async, so that a broker that does not run rejects.
  async subscribe(member: LineMember): Promise<readonly string[]> {
    const ends = this.#ends.get(member)
    if (!ends) throw new TelemetryError('CONNECTION_LOST', 'The device has left the broker', { retryable: true })
    const unsubscribe = this.#broker.subscribe([...member.filters], async (message) => {
      const { context } = member
      if (message.qos > 0) while (context.hasRoom?.() === false) await sleep(this.#clock, ROOM_CHECK_MS)
      // Without an acknowledgement the publisher keeps it.
      if (this.#ends.get(member) !== ends) throw new TelemetryError('ABORTED', 'The device has left the broker')
      member.message(message)
      if (message.qos > 0) await context.durable?.()
    })
    ends.push(unsubscribe)
    return []
  }

  publish(topic: string, payload: Uint8Array): void {
    this.#broker.publish(topic, payload)
  }

  leave(member: LineMember): Promise<void> {
    this.#end(member)
    return Promise.resolve()
  }

  #end(member: LineMember): void {
    for (const end of this.#ends.get(member) ?? []) end()
    this.#ends.delete(member)
  }
}
