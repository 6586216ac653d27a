// NCMD and DCMD: the rebirth request, and writes to sensors through the gateway's command desk. Sparkplug has no word for an
// answer: what was written comes back as a reading, what was refused stands in the journal.

import type { Log } from '#domain/driver.ts'
import { isTelemetryError } from '#domain/errors.ts'
import type { CommandDesk } from '#domain/command.ts'
import { jsonValue } from '#domain/value.ts'
import { DATATYPE_OF } from '#kit/sparkplug/encode.ts'
import { decodePayload, metricValue, type Metric } from '#kit/sparkplug/payload.ts'
import type { NodePoints } from './node-points.ts'

const REBIRTH = 'Node Control/Rebirth'
const MAX_BYTES = 256 * 1024
/** More writes in one message than anyone means. */
const MAX_WRITES = 1000

export interface CommandsOptions {
  readonly log: Log
  readonly uplink: string
  readonly desk: CommandDesk | undefined
  readonly points: () => NodePoints | null
  readonly onRebirth: () => void
}

export class Commands {
  readonly #options: CommandsOptions

  constructor(options: CommandsOptions) {
    this.#options = options
  }

  /** `device` null: NCMD. Never throws. */
  take(device: string | null, payload: Uint8Array): void {
    const { log, uplink, onRebirth } = this.#options
    const decoded = decode(payload)
    if (decoded === null) {
      log.warn({ uplink, device, bytes: payload.length }, 'A command is no Sparkplug payload')
      return
    }
    if (device !== null) return this.#write(device, decoded)
    for (const { name, raw } of decoded.metrics) {
      if (name === REBIRTH && raw === true) return onRebirth()
      log.info({ uplink, metric: name }, 'A node command that this node does not know')
    }
  }

  #write(device: string, { metrics, timestamp }: NonNullable<ReturnType<typeof decode>>): void {
    const { log, uplink, desk, points } = this.#options
    if (desk === undefined || !desk.allowed.has('write')) {
      log.warn({ uplink, device }, 'A write was asked for, which this uplink is not allowed to')
      return
    }
    for (const metric of metrics.slice(0, MAX_WRITES)) {
      const point = points()?.find(device, metric.name, metric.alias)
      const value = point && valueOf(metric, DATATYPE_OF[point.sensor.valueType]!)
      if (!point || value === undefined || value === null) {
        log.warn({ uplink, device, metric: metric.name }, 'A write of no known metric, or without a value of its type')
        continue
      }
      const request = { command: 'write', sensor: point.sensor.id, value: jsonValue(value) } as const
      const command = { id: null, by: null, sentAt: metric.timestamp ?? timestamp, expiresAt: null, request }
      void desk.run(command).then((answer) => {
        if (!answer.ok) log.warn({ uplink, sensor: request.sensor, code: answer.code }, answer.message)
      })
    }
  }
}

/** A command may leave the datatype out: it is that of the birth (§6.4.6). */
function valueOf(metric: Metric, datatype: number) {
  return metricValue(metric.raw, metric.datatype ?? datatype)
}

function decode(payload: Uint8Array): ReturnType<typeof decodePayload> | null {
  if (payload.length > MAX_BYTES) return null
  try {
    return decodePayload(payload)
  } catch (error) {
    if (!isTelemetryError(error, 'PROTOCOL')) throw error
    return null
  }
}
