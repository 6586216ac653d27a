// What the store tells of itself as alarms of the register, so that an operator sees them where all alarms are: the store
// cannot write; the database was damaged. They clear by themselves when the cause is gone.

import type { EventEntry } from '#domain/alarm.ts'
import type { StoreStatus } from '#domain/history.ts'
import type { GatewayFault, Pipeline } from '#pipeline/pipeline.ts'

type Alarms = Pick<Pipeline, 'raiseFault' | 'clearFault'>

const WRITABLE = { part: 'store', check: 'writable', severity: 'urgent' } as const
const SOUND = { part: 'store', check: 'sound', severity: 'high' } as const
/** What the store tells: true raises, false clears. */
const FAULTS: ReadonlyMap<string, readonly [Omit<GatewayFault, 'message'>, boolean]> = new Map([
  ['store-failing', [WRITABLE, true]],
  ['store-recovered', [WRITABLE, false]],
  ['store-quarantined', [SOUND, true]],
  ['store-salvaged', [SOUND, false]],
])

export class StoreAlarms {
  readonly #alarms: Alarms

  /** Alarms that the last run left and whose cause is gone are cleared: each start looks anew. */
  constructor(alarms: Alarms, status: StoreStatus) {
    this.#alarms = alarms
    const comment = 'The gateway was started again'
    if (status.state === 'ok') alarms.clearFault(WRITABLE, comment)
    if (status.quarantined === null) alarms.clearFault(SOUND, comment)
  }

  /** Takes each event of the store; those of other kinds change nothing. */
  hear({ type, message }: EventEntry): void {
    const known = FAULTS.get(type)
    if (!known) return
    const [fault, isRaised] = known
    if (isRaised) this.#alarms.raiseFault({ ...fault, message })
    else this.#alarms.clearFault(fault)
  }
}
