// Uplinks of the configuration as the uplinks room takes them: each with its kind.

import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { UplinkDefinition } from '#uplinks/uplinks.ts'

/** Throws CONFIG_INVALID for a type that is not in the catalogue: the configuration was not validated with it. */
export function uplinkDefinitions(config: GatewayConfig, catalogue: Catalogue): UplinkDefinition[] {
  return config.uplinks.map((uplink) => {
    const kind = catalogue.uplinks.get(uplink.type)
    if (!kind) throw new TelemetryError('CONFIG_INVALID', `There is no uplink type "${uplink.type}"`)
    const { id, config: own, include, exclude, map, batch, inFlight, commands, deadLetters } = uplink
    const { order, maxRate } = uplink.replay
    const shape = { order, maxRate, batch, inFlight, map, maxDeadLetters: deadLetters.max }
    return { id, kind, config: own, include, exclude, commands, ...shape }
  })
}
