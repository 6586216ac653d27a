// A backtest of one sensor of a configuration: its checks, with the sensors that its expressions may name.

import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Alarm } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Model } from '#domain/sensor.ts'
import type { CheckDesk } from '#domain/views.ts'
import { Backtest } from '#pipeline/backtest.ts'
import type { Pipeline } from '#pipeline/pipeline.ts'
import { buildModel, sensorKeys } from './model.ts'

export interface ConfiguredBacktest {
  readonly config: GatewayConfig
  /** Full sensor id. */
  readonly sensor: string
  /** Words a hint for a sensor that does not exist. */
  readonly suggest: (name: string, ids: readonly string[]) => string
  readonly log: Log
  readonly onAlarm: (alarm: Alarm) => void
}

export interface CheckDeskOptions {
  readonly pipeline: Pipeline
  readonly model: () => Model
  readonly log: Log
}

/** The checks of the running gateway as the API sees them. */
export function checkDesk({ pipeline, model, log }: CheckDeskOptions): CheckDesk {
  return {
    status: (sensor) => pipeline.checks(sensor),
    takeOutOfService: (...all) => pipeline.takeOutOfService(...all),
    returnToService: (...all) => pipeline.returnToService(...all),
    trial: (sensor, onAlarm) => new Backtest({ sensor, others: model().sensors, log, onAlarm }),
  }
}

/** Throws NOT_FOUND when there is no such sensor, and USAGE when nothing of it can be checked. */
export function configuredBacktest({ config, sensor: id, suggest, log, onAlarm }: ConfiguredBacktest): Backtest {
  const model = buildModel(
    config,
    sensorKeys(config).map((_, number) => number),
  )
  const sensor = model.sensor(id)
  if (!sensor) {
    const ids = model.sensors.map((known) => known.id)
    throw new TelemetryError('NOT_FOUND', `There is no sensor ${id} in the configuration${suggest(id, ids)}`)
  }
  if (sensor.valueType === 'string') throw new TelemetryError('USAGE', `${id} holds texts, which cannot be checked`)
  if (sensor.checks.length === 0) throw new TelemetryError('USAGE', `${id} has no checks in the configuration`)
  return new Backtest({ sensor, others: model.sensors, log, onAlarm })
}
