// The Modbus driver: its kind, schemas and devices. One driver object shares one connection among all devices that are
// behind the same host and port.

import type { ConfigProblem, DeviceSetup, Driver } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import { ModbusDevice, type LinkSource } from './device.ts'
import { Link } from './link.ts'
import { pointOf, pointType, valueTypeOf } from './point.ts'
import { modbusProblems } from './problems.ts'
import {
  DEFAULT_MAX_GAP,
  DEFAULT_PORT,
  DEFAULT_TIMEOUT_MS,
  DEFAULT_UNIT,
  MAX_READ_BITS,
  MAX_READ_REGISTERS,
  ModbusDeviceSchema,
  ModbusSensorSchema,
  type ModbusDeviceConfig,
  type ModbusSensorConfig,
} from './schema.ts'
import { TcpTransport } from './tcp-transport.ts'

/** Makes the driver; `clock` times answers and connections. */
export function modbusDriver(options: { clock: Clock }): Driver {
  const links = new Map<string, Link>()
  return {
    kind: 'modbus',
    deviceSchema: ModbusDeviceSchema,
    sensorSchema: ModbusSensorSchema,
    valueType: (sensorConfig) => valueTypeOf(pointType(sensorConfig as ModbusSensorConfig)),
    problems: (deviceConfig, sensorConfigs): readonly ConfigProblem[] =>
      modbusProblems(deviceConfig as ModbusDeviceConfig, sensorConfigs as readonly ModbusSensorConfig[]),
    open(setup, context) {
      const { connection, reads = {}, groups } = decoded(setup)
      const { host, port = DEFAULT_PORT, unit = DEFAULT_UNIT, timeout = DEFAULT_TIMEOUT_MS } = connection
      const { maxGap = DEFAULT_MAX_GAP, maxRegisters = MAX_READ_REGISTERS, maxBits = MAX_READ_BITS } = reads
      const bus = `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`
      return new ModbusDevice({
        id: setup.id,
        bus,
        unit,
        timeoutMs: timeout,
        limits: { maxGap, maxRegisters, maxBits, onePerRequest: false, zeroStart: false },
        clock: options.clock,
        groups,
        links: linkSource(
          links,
          bus,
          () => new Link((events) => new TcpTransport({ host, port, clock: options.clock, events })),
        ),
        context,
      })
    },
  }
}

/** The configurations as the schemas decoded them: the port hands them over as unknown. */
function decoded(setup: DeviceSetup) {
  const { connection, reads } = setup.config as ModbusDeviceConfig
  const groups = setup.groups.map((group) =>
    group.points.map(({ sensor, config }) => ({ sensor, point: pointOf(config as ModbusSensorConfig) })),
  )
  return { connection, reads, groups }
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
