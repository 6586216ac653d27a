// What all devices of one acquisition share.

import type { DriverServices, Log } from '#domain/driver.ts'
import type { AcquisitionMetrics } from './acquisition-metrics.ts'
import type { Buses } from './bus.ts'
import type { Phases } from './phases.ts'
import type { RoomGate } from './room-gate.ts'
import type { Scheduler } from './scheduler.ts'
import type { SensorStates } from './sensor-states.ts'

export interface DeviceServices {
  readonly timers: Scheduler
  /** Monotonic time from which all deadlines are counted. */
  readonly originMs: number
  readonly log: Log
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly states: SensorStates
  readonly gate: RoomGate
  readonly buses: Buses
  readonly phases: Phases
  readonly metrics: AcquisitionMetrics
  /** What drivers get from the gateway. */
  readonly offered: DriverServices
}
