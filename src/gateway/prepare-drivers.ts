// Has drivers load what takes long before their first device connects: amid polls it would be loaded all the same, but the device would
// wait for it.

import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'

/** Only those that the configuration uses. What fails is told by `onFailure`, and by their devices. */
export async function prepareDrivers(
  { devices }: Pick<GatewayConfig, 'devices'>,
  { drivers }: Pick<Catalogue, 'drivers'>,
  onFailure: (driver: string, error: unknown) => void,
): Promise<void> {
  for (const kind of new Set(devices.map(({ driver }) => driver)))
    await drivers
      .get(kind)
      ?.prepare?.()
      .catch((error: unknown) => onFailure(kind, error))
}
