// What one uplink gets of what the gateway lends.

import { join } from 'node:path'
import type { UplinkServices } from '#domain/uplink.ts'
import { UplinkCommandDesk } from './command-desk.ts'
import type { ForwarderOptions } from './definition.ts'
import type { SensorMap } from './sensor-map.ts'

export function uplinkServices(options: ForwarderOptions, map: SensorMap): Omit<UplinkServices, 'hold'> {
  const { clock, definition, model, ports } = options
  if (!ports) return {}
  const { configDir, stateDir, epoch, version, configuration, traces } = ports
  const { id, commands: rules } = definition
  const mapped = () => map.model(model())
  return {
    configDir,
    stateDir: join(stateDir, id),
    epoch,
    version,
    ...(configuration && { configuration }),
    ...(traces && {
      trace: (delivery, attributes, send) => traces.deliver({ delivery, uplink: id }, attributes, send),
    }),
    latest: (sensor) => ports.latest(sensor),
    notify: (notice) => ports.record({ kind: 'event', time: clock.now(), source: `uplink ${id}`, ...notice }),
    ...(rules && { commands: new UplinkCommandDesk({ clock, uplink: id, rules, model, mapped, ports }) }),
  }
}
