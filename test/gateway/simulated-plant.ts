// Devices and receivers that are told what to do by what their configuration says: for tests of what a change does to a
// gateway, in the time of a ManualClock.

import { Type } from 'typebox'
import type { Catalogue } from '#config/load.ts'
import type { Driver } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { strictObject } from '#domain/schema.ts'
import type { UplinkKind } from '#domain/uplink.ts'

interface SimulatedConfig {
  readonly host: string
}

/** Hosts that do not answer; a test may change them at any time. */
export class SimulatedPlant {
  readonly dead = new Set<string>(['dead'])
  /** Opened connections by device or uplink. */
  readonly connections = new Map<string, number>()
  readonly delivered = new Map<string, number>()

  /** A device's value is its sensor's address; one whose `connection.host` is dead refuses. */
  readonly driver: Driver = {
    kind: 'sim',
    deviceSchema: strictObject({
      host: Type.String(),
      password: Type.Optional(Type.String({ secret: true })),
    }),
    sensorSchema: strictObject({ address: Type.Integer() }),
    valueType: () => 'number',
    problems: () => [],
    open: ({ id, config, groups }) => {
      const { host } = config as SimulatedConfig
      return {
        bus: `sim://${host}/${id}`,
        connect: () => this.#connect(id, host),
        poll: (group, sink) => {
          if (this.dead.has(host)) return Promise.reject(new TelemetryError('TIMEOUT', `${host} does not answer`))
          for (const { sensor, config: own } of groups[group]!.points) {
            sink.number(sensor.number, (own as { address: number }).address, Status.Good, NO_TIME)
          }
          return Promise.resolve({ requests: 1 })
        },
        close: () => Promise.resolve(),
      }
    },
  }

  readonly uplink: UplinkKind = {
    type: 'sim',
    schema: strictObject({ host: Type.String(), token: Type.Optional(Type.String({ secret: true })) }),
    open: ({ id, config }) => ({
      connect: () => this.#connect(id, (config as SimulatedConfig).host),
      deliver: ({ rowCount }) => {
        this.delivered.set(id, (this.delivered.get(id) ?? 0) + rowCount)
        return Promise.resolve({ rejected: [] })
      },
      close: () => Promise.resolve(),
    }),
  }

  get catalogue(): Catalogue {
    return { drivers: new Map([['sim', this.driver]]), uplinks: new Map([['sim', this.uplink]]) }
  }

  #connect(id: string, host: string): Promise<void> {
    if (this.dead.has(host)) return Promise.reject(new TelemetryError('CONNECTION_FAILED', `${host} is not there`))
    this.connections.set(id, (this.connections.get(id) ?? 0) + 1)
    return Promise.resolve()
  }
}
