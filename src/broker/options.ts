// What the embedded broker needs to know.

import type { Log } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import type { Registry } from '#kit/metrics.ts'

export interface BrokerUser {
  readonly name: string
  readonly password: string
  /** Topic filters that it may publish to. */
  readonly publish: readonly string[]
  /** Topic filters that it may subscribe to. */
  readonly subscribe: readonly string[]
}

export interface BrokerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Empty: everyone who reaches the address may come in and use every topic. */
  readonly users: readonly BrokerUser[]
  /** Files in PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  readonly maxConnections: number
  readonly maxPayloadBytes: number
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}
