// The limits of the planner from a device's YAML, with every default applied.

import type { PlanLimits } from './plan-requests.ts'
import { DEFAULT_MAX_GAP, MAX_READ_BITS, MAX_READ_REGISTERS, type ModbusDeviceConfig } from './schema.ts'

export function planLimits({ reads = {}, quirks = {} }: ModbusDeviceConfig): PlanLimits {
  const { maxGap = DEFAULT_MAX_GAP, maxRegisters = MAX_READ_REGISTERS, maxBits = MAX_READ_BITS } = reads
  const { onePerRequest = false, zeroStart = false } = quirks
  return { maxGap, maxRegisters, maxBits, onePerRequest, zeroStart }
}
