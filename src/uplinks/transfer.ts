// What runs over one connection: the lane that follows the newest records, and the one that works through the backlog. They
// share the connection and its end. Live records go first: the backlog leases only while the live lane keeps up.

import type { RecordBatch } from '#domain/reading.ts'
import type { DeliveryResult, UplinkConnection } from '#domain/uplink.ts'
import { BacklogLane } from './backlog-lane.ts'
import { DeliveryWindow } from './delivery-window.ts'
import { FollowLane, type LaneOptions } from './follow-lane.ts'

/** Batches of the backlog under way while there is a live lane beside it: few, so that a live batch does not queue behind many. */
const BACKLOG_IN_FLIGHT = 2

export interface TransferOptions extends LaneOptions {
  readonly connection: Pick<UplinkConnection, 'deliver'>
  /** Batches under way at once, for each lane. */
  readonly inFlight: () => number
  readonly isHeld: () => boolean
  readonly stallMs: number
  readonly onRejected: (batch: RecordBatch, rejected: DeliveryResult['rejected']) => void
  /** The ledger has moved. `historical`: records of a backlog that were sent. */
  readonly onSettled: (historical: number) => void
}

export class Transfer {
  readonly #live: DeliveryWindow
  readonly #backlog: DeliveryWindow
  /** Resolves with the reason when the connection cannot be used any more. */
  readonly ended: Promise<unknown>

  constructor(options: TransferOptions) {
    const { clock, connection, stallMs, onRejected, ledger, order, isHeld } = options
    const shared = { clock, connection, stallMs, onRejected }
    const behind = (): boolean => ledger.backlog.ranges.length > 0
    this.#live = new DeliveryWindow({
      ...shared,
      source: new FollowLane(options),
      capacity: options.inFlight,
      mayLease: () => !isHeld() && (order === 'liveFirst' || !behind()),
      onSettled: (historical) => {
        options.onSettled(historical)
        this.#backlog.wake()
      },
    })
    this.#backlog = new DeliveryWindow({
      ...shared,
      source: new BacklogLane(options),
      capacity: () => (order === 'inOrder' ? options.inFlight() : Math.min(BACKLOG_IN_FLIGHT, options.inFlight())),
      mayLease: () => behind() && !isHeld() && (order === 'inOrder' || !this.#live.isFull),
      onSettled: (historical) => {
        options.onSettled(historical)
        if (!behind()) this.#live.wake()
      },
    })
    this.ended = Promise.race([this.#live.ended, this.#backlog.ended])
  }

  get settledSome(): boolean {
    return this.#live.settledSome || this.#backlog.settledSome
  }

  get isBusy(): boolean {
    return this.#live.isBusy || this.#backlog.isBusy
  }

  /** Receive time of the oldest record that waits, as far as the lanes know. */
  get oldestReceivedAt(): number | null {
    return this.#backlog.oldestReceivedAt ?? this.#live.oldestReceivedAt
  }

  /** There are new records, or a hold has ended. */
  wake(): void {
    this.#live.wake()
    this.#backlog.wake()
  }

  /** Leases nothing more; resolves once everything under way is settled, or the connection has ended. */
  async drain(): Promise<void> {
    await Promise.all([this.#live.drain(), this.#backlog.drain()])
  }

  /** Gives up what is under way. Safe to call twice. */
  end(cause: unknown): void {
    this.#live.end(cause)
    this.#backlog.end(cause)
  }
}
