// Two configurations → what applying the second does to a gateway that runs the first. Pure: asks nobody, changes nothing.
// What restarts is judged by the same questions that acquisition and uplinks ask when it is applied.

import { isDeepStrictEqual } from 'node:util'
import { isSameAcquisition } from '#acquisition/acquired-device.ts'
import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'
import type { Leaves, Outline } from '#config/outline.ts'
import type { ChangeEffect, ConfigurationPlan, KeyChange, PlannedChange } from '#domain/configuration.ts'
import { TelemetryError } from '#domain/errors.ts'
import { isSameUplink } from '#uplinks/uplinks.ts'
import { acquiredDevices } from './devices.ts'
import { buildModel, sensorKeys } from './model.ts'
import type { Touched } from './health-watch.ts'
import { uplinkDefinitions } from './uplink-definitions.ts'

/** A configuration without problems. */
export interface Configured {
  readonly config: GatewayConfig
  readonly outline: Outline
}

/** Sections that a running gateway takes up; any other needs a restart. */
const LIVE_SECTIONS = new Set(['version', 'configuration', 'alarms'])

export function planChange(before: Configured, after: Configured, catalogue: Catalogue): ConfigurationPlan {
  const devices = deviceEffects(before.config, after.config, catalogue)
  const uplinks = uplinkEffects(before.config, after.config, catalogue)
  const settings = settingChanges(before, after)
  const changes = [
    ...settings,
    ...partChanges('device', before.outline.devices, after.outline.devices, (id) => devices.get(id) ?? null),
    ...partChanges('sensor', before.outline.sensors, after.outline.sensors, (id) => sensorEffect(devices, id)),
    ...partChanges('derived', before.outline.derived, after.outline.derived, () => 'live'),
    ...partChanges('uplink', before.outline.uplinks, after.outline.uplinks, (id) => uplinks.get(id) ?? null),
  ]
  return {
    changes: [...changes, ...unseen(changes, 'device', devices), ...unseen(changes, 'uplink', uplinks)],
    undisturbed: {
      devices: after.config.devices.length - countOf(devices, ['starts', 'restarts']),
      uplinks: after.config.uplinks.length - countOf(uplinks, ['starts', 'restarts']),
    },
    needsRestart: settings.flatMap(({ id, effect, keys }) =>
      effect !== 'needsRestart' ? [] : keys.length === 0 ? [id] : keys.map(({ key }) => key),
    ),
  }
}

/** True when applying it would do nothing at all. */
export function isEmptyPlan({ changes }: ConfigurationPlan): boolean {
  return changes.length === 0
}

/** Throws CONFLICT with `needsRestart`: nothing of a plan is applied that only a restart takes up as a whole. */
export function refuseRestart({ needsRestart }: ConfigurationPlan): void {
  if (needsRestart.length === 0) return
  const verb = needsRestart.length === 1 ? 'needs' : 'need'
  const message = `Nothing was applied: ${needsRestart.join(', ')} ${verb} a restart of the gateway`
  throw new TelemetryError('CONFLICT', message, { context: { needsRestart } })
}

/** What starts, stops or restarts. */
export function touchedBy({ changes }: ConfigurationPlan): Touched {
  const idsOf = (kind: 'device' | 'uplink'): string[] =>
    changes.filter((change) => change.kind === kind && change.effect !== 'live').map(({ id }) => id)
  return { devices: idsOf('device'), uplinks: idsOf('uplink') }
}

type Effects = ReadonlyMap<string, ChangeEffect>

/** Effects on devices, without those that nothing happens to. */
function deviceEffects(before: GatewayConfig, after: GatewayConfig, catalogue: Catalogue): Effects {
  const numbers = new Map<string, number>()
  const devicesOf = (config: GatewayConfig) => {
    // As the store does: one number for each id and value type.
    const given = sensorKeys(config).map(({ id, valueType }) => {
      const key = `${id} ${valueType}`
      if (!numbers.has(key)) numbers.set(key, numbers.size)
      return numbers.get(key)!
    })
    return new Map(
      acquiredDevices(config, catalogue, buildModel(config, given)).map((device) => [device.setup.id, device]),
    )
  }
  return effectsOf(devicesOf(before), devicesOf(after), isSameAcquisition)
}

function uplinkEffects(before: GatewayConfig, after: GatewayConfig, catalogue: Catalogue): Effects {
  const uplinksOf = (config: GatewayConfig) =>
    new Map(uplinkDefinitions(config, catalogue).map((uplink) => [uplink.id, uplink]))
  return effectsOf(uplinksOf(before), uplinksOf(after), isSameUplink)
}

function effectsOf<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  isSame: (before: T, after: T) => boolean,
): Effects {
  const effects = new Map<string, ChangeEffect>()
  for (const [id, next] of after) {
    const present = before.get(id)
    if (present === undefined) effects.set(id, 'starts')
    else if (!isSame(present, next)) effects.set(id, 'restarts')
  }
  for (const id of before.keys()) if (!after.has(id)) effects.set(id, 'stops')
  return effects
}

function countOf(effects: Effects, counted: readonly ChangeEffect[]): number {
  return [...effects.values()].filter((effect) => counted.includes(effect)).length
}

/** A sensor of a device that starts, stops or restarts goes with it; else its change is taken up live. */
function sensorEffect(devices: Effects, id: string): ChangeEffect {
  return devices.get(id.slice(0, id.indexOf('.'))) ?? 'live'
}

function partChanges(
  kind: PlannedChange['kind'],
  before: ReadonlyMap<string, Leaves>,
  after: ReadonlyMap<string, Leaves>,
  effectOf: (id: string) => ChangeEffect | null,
): PlannedChange[] {
  const changes: PlannedChange[] = []
  for (const [id, leaves] of after) {
    const present = before.get(id)
    if (present === undefined) {
      changes.push({ kind, id, change: 'added', effect: effectOf(id) ?? 'live', keys: [] })
      continue
    }
    const keys = keyChanges(present, leaves)
    if (keys.length > 0) changes.push({ kind, id, change: 'changed', effect: effectOf(id) ?? 'live', keys })
  }
  for (const id of before.keys()) {
    if (!after.has(id)) changes.push({ kind, id, change: 'removed', effect: effectOf(id) ?? 'live', keys: [] })
  }
  return changes
}

/** Devices and uplinks that restart although nothing that is written of themselves has changed. */
function unseen(changes: readonly PlannedChange[], kind: 'device' | 'uplink', effects: Effects): PlannedChange[] {
  const seen = new Set(changes.filter((change) => change.kind === kind).map(({ id }) => id))
  return [...effects]
    .filter(([id]) => !seen.has(id))
    .map(([id, effect]) => ({ kind, id, change: 'changed', effect, keys: [] }))
}

function keyChanges(before: Leaves, after: Leaves): KeyChange[] {
  const changes: KeyChange[] = []
  for (const [key, leaf] of after) {
    const present = before.get(key)
    if (present?.digest !== leaf.digest) changes.push({ key, before: present?.shown ?? null, after: leaf.shown })
  }
  for (const [key, { shown }] of before) if (!after.has(key)) changes.push({ key, before: shown, after: null })
  return changes
}

function settingChanges(before: Configured, after: Configured): PlannedChange[] {
  const sections = new Map<string, KeyChange[]>()
  for (const change of keyChanges(before.outline.settings, after.outline.settings)) {
    const [section = ''] = change.key.split('.', 1)
    sections.set(section, [...(sections.get(section) ?? []), change])
  }
  for (const [section, value] of Object.entries(after.config)) {
    const isListed = ['devices', 'derived', 'uplinks'].includes(section) || sections.has(section)
    const present: unknown = before.config[section as keyof GatewayConfig]
    if (!isListed && !isDeepStrictEqual(present, value)) sections.set(section, [])
  }
  return [...sections].map(([id, keys]) => ({
    kind: 'setting',
    id,
    change: 'changed',
    effect: LIVE_SECTIONS.has(id) ? 'live' : 'needsRestart',
    keys,
  }))
}
