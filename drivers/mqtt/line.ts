// What carries messages to devices: a connection that several devices share, or the embedded broker.

import type { DriverContext } from '#domain/driver.ts'
import type { MqttMessage } from './message.ts'

/** A device on a line. */
export interface LineMember {
  readonly id: string
  readonly context: DriverContext
  /** Topic filters, and the QoS to ask for. */
  readonly filters: ReadonlySet<string>
  readonly qos: 0 | 1
  wants(topic: string): boolean
  message(message: MqttMessage): void
  /** The line broke; the member has left it by now. */
  lost(cause: unknown): void
}

export interface Line {
  /** A member exists: the line does not pass over what is for it until it has subscribed. Does no I/O. */
  expect(member: LineMember): void
  /** Resolves when there is a connection. Throws CONNECTION_FAILED, UNAUTHENTICATED, TIMEOUT, ABORTED. */
  join(member: LineMember, signal: AbortSignal): Promise<void>
  /** Messages come from now on. Resolves with the filters that the broker refused. */
  subscribe(member: LineMember, signal: AbortSignal): Promise<readonly string[]>
  /** Sends a message, QoS 0; nothing happens without a connection. */
  publish(topic: string, payload: Uint8Array): void
  /** Safe to call twice. What was given to the sink is acknowledged first, if that does not take long. */
  leave(member: LineMember): Promise<void>
}
