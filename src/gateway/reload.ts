// Brings another configuration into a running gateway: only what it changes restarts. Ring, journal, history, latest values,
// alarms and cursors stay as they are; of sensors that are gone the alarms end, and their history stays.

import type { Acquisition } from '#acquisition/acquisition.ts'
import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { Pipeline } from '#pipeline/pipeline.ts'
import type { Store } from '#store/store.ts'
import type { Uplinks } from '#uplinks/uplinks.ts'
import type { AppearedSensors } from './appeared-sensors.ts'
import { acquiredDevices } from './devices.ts'
import { buildModel, sensorKeys } from './model.ts'
import { prepareDrivers } from './prepare-drivers.ts'
import type { Present } from './present.ts'
import { uplinkDefinitions } from './uplink-definitions.ts'

export interface ReloadOptions {
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly store: Pick<Store, 'registerSensors'>
  readonly pipeline: Pick<Pipeline, 'replaceModel'>
  readonly acquisition: Pick<Acquisition, 'applyDevices'>
  readonly uplinks: Pick<Uplinks, 'applyUplinks'>
  readonly present: Present
  readonly appeared: Pick<AppearedSensors, 'extend'>
}

/** For what an uplink that ends or changes still has under way. */
const DRAIN_MS = 5000

/**
 * Applies what can be applied at run time: devices, derived sensors, uplinks, checks and texts. When it throws, the gateway
 * runs as before, unless it is stopping.
 */
export function reload(next: GatewayConfig, options: ReloadOptions): Promise<void> {
  return options.present.inTurn(() => exchange(next, options))
}

/** Brings in what `change` has changed about the present configuration; nothing when it says false. */
export function reloadPresent(
  change: (config: GatewayConfig) => Promise<boolean>,
  options: ReloadOptions,
): Promise<void> {
  const { present } = options
  return present.inTurn(async () => {
    if (await change(present.config)) await exchange(present.config, options)
  })
}

async function exchange(next: GatewayConfig, options: ReloadOptions): Promise<void> {
  const before = options.present.config
  try {
    await bringIn(next, options)
  } catch (error) {
    if (options.present.config !== before) await bringIn(before, options)
    throw error
  }
}

async function bringIn(given: GatewayConfig, options: ReloadOptions): Promise<void> {
  const next = options.appeared.extend(given)
  const { catalogue, store, pipeline, acquisition, uplinks, present, clock } = options
  // Whatever can fail comes first.
  const model = buildModel(next, await store.registerSensors(sensorKeys(next)))
  const devices = acquiredDevices(next, catalogue, model)
  const definitions = uplinkDefinitions(next, catalogue)
  await prepareDrivers(next, catalogue, () => {}) // its devices will tell
  await acquisition.applyDevices(devices, () => {
    pipeline.replaceModel(model)
    present.replace(next, model)
  })
  const drained = new AbortController()
  const timer = clock.after(DRAIN_MS, () => {
    drained.abort(new TelemetryError('TIMEOUT', `What was under way had not arrived after ${DRAIN_MS} ms`))
  })
  try {
    await uplinks.applyUplinks(definitions, drained.signal)
  } finally {
    timer.cancel()
  }
}
