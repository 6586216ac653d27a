// The embedded broker of a gateway, if its configuration has one.

import { createBroker, type EmbeddedBroker } from '#broker/broker.ts'
import type { BrokerConfig } from '#config/gateway-config.ts'
import type { Log } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import type { Registry } from '#kit/metrics.ts'

export type { EmbeddedBroker }

export interface GatewayBrokerOptions {
  readonly config: BrokerConfig | null
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

export function gatewayBroker({ config, clock, log, registry }: GatewayBrokerOptions): EmbeddedBroker | null {
  return config === null ? null : createBroker({ ...config, clock, log, registry })
}
