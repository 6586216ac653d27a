// When which machine gets which fault: the first ones soon, so that a newcomer sees an alarm, then one now and then. Pure.

import type { Fault, SimulatedMachine } from './machine.ts'

export interface PlannedFault {
  readonly device: string
  readonly fault: Fault
  /** Seconds since the start. */
  readonly from: number
  readonly until: number
}

const DURATIONS: Record<Fault, number> = { overheat: 20, spike: 0.6, stuck: 15, silent: 12 }
const OPENING: readonly { device: string; fault: Fault; from: number }[] = [
  { device: 'press-2', fault: 'overheat', from: 8 },
  { device: 'press-3', fault: 'stuck', from: 40 },
  { device: 'compressor', fault: 'silent', from: 65 },
  { device: 'press-1', fault: 'spike', from: 100 },
]

/** The endless sequence of faults, ordered by `from`; the machines are those of the shop. */
export function* planFaults(machines: readonly SimulatedMachine[], random: () => number): Generator<PlannedFault> {
  let from = 0
  for (const opening of OPENING) {
    from = opening.from
    yield { ...opening, until: from + DURATIONS[opening.fault] }
  }
  for (;;) {
    from += 25 + random() * 35
    const machine = machines[Math.floor(random() * machines.length)]!
    const fault = machine.faults[Math.floor(random() * machine.faults.length)]!
    yield { device: machine.device, fault, from, until: from + DURATIONS[fault] }
  }
}
