// The Modbus driver: its kind, schemas and devices. One driver object shares one connection among all devices that are
// behind the same host and port, and one serial port among all units on it.

import type { ConfigProblem, DeviceSetup, Driver } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import { connectionOf, transportFor } from './connection.ts'
import { ModbusDevice, type LinkSource } from './device.ts'
import { lineProblems } from './line-budget.ts'
import { Link } from './link.ts'
import { planLimits } from './plan-limits.ts'
import { pointOf, pointType, valueTypeOf } from './point.ts'
import { modbusProblems } from './problems.ts'
import type { DevicePoint } from './read-group.ts'
import { ModbusDeviceSchema, ModbusSensorSchema, type ModbusDeviceConfig, type ModbusSensorConfig } from './schema.ts'
import { SerialPorts } from './serial-wire.ts'

export interface ModbusDriverOptions {
  /** Times answers and connections. */
  readonly clock: Clock
  /** Times silences of serial lines; default: the same. */
  readonly lineClock?: Clock
}

/** Makes the driver. */
export function modbusDriver({ clock, lineClock = clock }: ModbusDriverOptions): Driver {
  const links = new Map<string, Link>()
  const parts = { clock, lineClock, serialPorts: new SerialPorts() }
  return {
    kind: 'modbus',
    deviceSchema: ModbusDeviceSchema,
    sensorSchema: ModbusSensorSchema,
    valueType: (sensorConfig) => valueTypeOf(pointType(sensorConfig as ModbusSensorConfig)),
    problems: (deviceConfig, sensorConfigs): readonly ConfigProblem[] =>
      modbusProblems(deviceConfig as ModbusDeviceConfig, sensorConfigs as readonly ModbusSensorConfig[]),
    busProblems: lineProblems,
    open(setup, context) {
      const config = setup.config as ModbusDeviceConfig
      const connection = connectionOf(config.connection)
      const { pauseAfterConnect = 0, delayAfterRequest = 0, writeAndRead = false } = config.quirks ?? {}
      return new ModbusDevice({
        id: setup.id,
        bus: connection.bus,
        unit: connection.unit,
        isBroadcast: connection.unit === 0 && connection.end.kind !== 'tcp',
        timeoutMs: connection.timeoutMs,
        pauseAfterConnectMs: pauseAfterConnect,
        delayAfterMs: delayAfterRequest,
        writesAndReads: writeAndRead,
        limits: planLimits(config),
        groups: pointsOf(setup),
        links: linkSource(
          links,
          connection.bus,
          () => new Link(clock, (events) => transportFor(connection, parts, events)),
        ),
        context,
        clock,
      })
    },
  }
}

/** The sensors as the schema decoded them: the port hands them over as unknown. */
function pointsOf(setup: DeviceSetup): readonly (readonly DevicePoint[])[] {
  return setup.groups.map((group) =>
    group.points.map(({ sensor, config }) => ({ sensor, point: pointOf(config as ModbusSensorConfig) })),
  )
}

function linkSource(links: Map<string, Link>, bus: string, create: () => Link): LinkSource {
  return {
    link() {
      const link = links.get(bus) ?? create()
      links.set(bus, link)
      return link
    },
    release(link) {
      if (link.isUnused && links.get(bus) === link) links.delete(bus)
    },
  }
}
