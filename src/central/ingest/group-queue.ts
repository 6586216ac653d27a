// Waiting work in lanes, one for each tenant: bounded in bytes, served in turns, several pieces at a time. Pieces with the same key
// (of the same gateway) never run at once and keep their order.

import type { TenantNumber } from '../ports.ts'

/** Pieces in one group: what one transaction takes without others waiting long for it. */
const MAX_GROUP = 64
const MAX_GROUP_BYTES = 1024 * 1024

export interface GroupQueueOptions<T> {
  readonly waitingBytes: number
  readonly transactions: number
  readonly transactionsPerTenant: number
  /** Must not throw. */
  readonly run: (tenant: TenantNumber, group: readonly T[]) => Promise<void>
  readonly keyOf: (piece: T) => string
  readonly bytesOf: (piece: T) => number
}

interface Lane<T> {
  waiting: T[]
  bytes: number
  running: number
  readonly busy: Set<string>
}

export class GroupQueue<T> {
  readonly #options: GroupQueueOptions<T>
  /** In the order of their turns. */
  readonly #lanes = new Map<TenantNumber, Lane<T>>()
  #running = 0
  #isDraining = false
  #onIdle: () => void = () => {}

  constructor(options: GroupQueueOptions<T>) {
    this.#options = options
  }

  get waiting(): number {
    let count = 0
    for (const { waiting } of this.#lanes.values()) count += waiting.length
    return count
  }

  /** False: the tenant has too much waiting, or the queue takes nothing any more. One piece always fits into an empty lane. */
  put(tenant: TenantNumber, piece: T): boolean {
    if (this.#isDraining) return false
    const lane = this.#lanes.get(tenant) ?? { waiting: [], bytes: 0, running: 0, busy: new Set<string>() }
    const bytes = this.#options.bytesOf(piece)
    if (lane.waiting.length > 0 && lane.bytes + bytes > this.#options.waitingBytes) return false
    lane.waiting.push(piece)
    lane.bytes += bytes
    this.#lanes.set(tenant, lane)
    this.#serve()
    return true
  }

  async drain(): Promise<void> {
    this.#isDraining = true
    if (this.#lanes.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  #serve(): void {
    while (this.#running < this.#options.transactions) {
      const turn = this.#nextTurn()
      if (turn === null) return
      this.#start(...turn)
    }
  }

  /** The first tenant in the row with something that may run; it goes to the end of the row. */
  #nextTurn(): [TenantNumber, Lane<T>, T[]] | null {
    for (const [tenant, lane] of this.#lanes) {
      if (lane.running >= this.#options.transactionsPerTenant) continue
      const group = this.#groupOf(lane)
      if (group.length === 0) continue
      this.#lanes.delete(tenant)
      this.#lanes.set(tenant, lane)
      return [tenant, lane, group]
    }
    return null
  }

  #groupOf(lane: Lane<T>): T[] {
    const { bytesOf, keyOf } = this.#options
    const group: T[] = []
    const rest: T[] = []
    let bytes = 0
    for (const piece of lane.waiting) {
      const isFull = group.length === MAX_GROUP || (group.length > 0 && bytes + bytesOf(piece) > MAX_GROUP_BYTES)
      if (isFull || lane.busy.has(keyOf(piece))) rest.push(piece)
      else {
        group.push(piece)
        bytes += bytesOf(piece)
      }
      // What stays behind holds back what comes after it of the same gateway: once it is full, nothing more is taken.
      if (isFull) bytes = Number.POSITIVE_INFINITY
    }
    if (group.length > 0) lane.waiting = rest
    return group
  }

  #start(tenant: TenantNumber, lane: Lane<T>, group: readonly T[]): void {
    const { bytesOf, keyOf, run } = this.#options
    const keys = group.map(keyOf)
    for (const key of keys) lane.busy.add(key)
    lane.running += 1
    this.#running += 1
    void run(tenant, group).finally(() => {
      for (const key of keys) lane.busy.delete(key)
      for (const piece of group) lane.bytes -= bytesOf(piece)
      lane.running -= 1
      this.#running -= 1
      this.#lanes.delete(tenant)
      if (lane.running > 0 || lane.waiting.length > 0) this.#lanes.set(tenant, lane) // behind those who waited meanwhile
      this.#serve()
      if (this.#lanes.size === 0) this.#onIdle()
    })
  }
}
