// Every driver and kind of uplink that this gateway knows; a new one is added here.

import type { Catalogue } from '#config/load.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { httpDriver } from '#drivers/http/driver.ts'
import { mqttDriver } from '#drivers/mqtt/driver.ts'
import { opcuaDriver } from '#drivers/opcua/driver.ts'
import { serialDriver } from '#drivers/serial/driver.ts'
import type { Clock } from '#kit/clock.ts'
import { centralUplink } from '#uplinks/central/kind.ts'
import { grpcUplink } from '#uplinks/grpc/kind.ts'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { sparkplugUplink } from '#uplinks/sparkplug/kind.ts'

/** Drivers made for one gateway: devices of one catalogue may share connections. */
export function createCatalogue({ clock }: { clock: Clock }): Catalogue {
  const drivers = [
    modbusDriver({ clock }),
    mqttDriver({ clock }),
    httpDriver(),
    opcuaDriver({ clock }),
    serialDriver({ clock }),
  ]
  const uplinks = [mqttUplink, sparkplugUplink, grpcUplink, centralUplink]
  return {
    drivers: new Map(drivers.map((driver) => [driver.kind, driver])),
    uplinks: new Map(uplinks.map((kind) => [kind.type, kind])),
  }
}
