// So many operations at once and no more, shared fairly: each tenant has a lane with a bound of its own, those that wait go round
// robin over the tenants, and what does not fit into a tenant's lane is refused at once. One tenant can so fill its own lane only.

import { RequestError } from '#api/problem.ts'

/** Whatever names one. */
type Tenant = string | number

export interface LanesOptions {
  /** Operations at once, over all tenants. */
  readonly total: number
  /** Operations of one tenant at once. */
  readonly perTenant: number
  /** Operations of one tenant that may wait. */
  readonly queue: number
}

interface Lane {
  running: number
  readonly waiting: (() => void)[]
}

export class TenantLanes {
  readonly #options: LanesOptions
  /** Lanes with something in them; in the order in which they get their next turn. */
  readonly #lanes = new Map<Tenant, Lane>()
  #running = 0

  constructor(options: LanesOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#running
  }

  /** Operations that wait. */
  get waiting(): number {
    return [...this.#lanes.values()].reduce((sum, { waiting }) => sum + waiting.length, 0)
  }

  /** Runs `operation` in its tenant's turn. Throws UNAVAILABLE when the lane is full. */
  async run<T>(tenant: Tenant, operation: () => Promise<T>): Promise<T> {
    const lane = this.#lane(tenant)
    if (this.#mayRun(lane)) this.#begin(lane)
    else await this.#turn(lane)
    try {
      return await operation()
    } finally {
      this.#end(tenant, lane)
    }
  }

  #lane(tenant: Tenant): Lane {
    const lane = this.#lanes.get(tenant) ?? { running: 0, waiting: [] }
    this.#lanes.set(tenant, lane)
    return lane
  }

  #mayRun(lane: Lane): boolean {
    return this.#running < this.#options.total && lane.running < this.#options.perTenant
  }

  #begin(lane: Lane): void {
    lane.running += 1
    this.#running += 1
  }

  #turn(lane: Lane): Promise<void> {
    if (lane.waiting.length >= this.#options.queue) {
      const message = 'Too many queries of this tenant at once; try again'
      throw new RequestError('UNAVAILABLE', message, { headers: { 'retry-after': '1' } })
    }
    return new Promise((resolve) => {
      lane.waiting.push(resolve)
    })
  }

  #end(tenant: Tenant, lane: Lane): void {
    lane.running -= 1
    this.#running -= 1
    if (lane.running === 0 && lane.waiting.length === 0) this.#lanes.delete(tenant)
    this.#next()
  }

  /** The next turn goes to the tenant that has waited longest for one. */
  #next(): void {
    for (const [tenant, lane] of this.#lanes) {
      if (this.#running >= this.#options.total) return
      if (lane.waiting.length === 0 || !this.#mayRun(lane)) continue
      this.#begin(lane)
      lane.waiting.shift()!()
      this.#lanes.delete(tenant)
      this.#lanes.set(tenant, lane)
    }
  }
}
