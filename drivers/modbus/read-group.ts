// The points of one group and how they are read: by the planned requests, whose answers go straight into the sink; what the
// device refuses is split, learned from, and planned around from the next poll on.

import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { Sensor } from '#domain/sensor.ts'
import { decodedPoint, type DecodedPoint, type PointDecoder } from './decode.ts'
import { exceptionStatus, isAboutAddresses } from './exceptions.ts'
import type { Learned } from './learned.ts'
import { exceptionOf, isShort, READ_DATA_START, readRequest } from './pdu.ts'
import { planRequests, readOf, type Cell, type Plan, type PlanLimits, type PlannedRead } from './plan-requests.ts'
import type { ModbusPoint } from './point.ts'
import { splitRead, type Budget, type Outcome } from './split-read.ts'

/** Most requests of one poll that only serve to find out what is refused. */
const MAX_EXTRA_REQUESTS = 32

/** A sensor with its complete point. */
export interface DevicePoint {
  readonly sensor: Sensor
  readonly point: ModbusPoint
}

/** How a group asks its device, during one poll. */
export interface Asking {
  /** Sends a request; resolves with its answer, an exception included. */
  send(request: Buffer): Promise<Buffer>
  /** Each answer as it comes, with its exception or null. */
  answered(exception: number | null): void
  /** An exception that says nothing about addresses. May throw to end the poll. */
  refused(exception: number): void
  readonly sink: ReadingSink
  /** Monotonic. */
  readonly nowMs: number
}

export interface ReadGroupOptions {
  readonly points: readonly DevicePoint[]
  readonly limits: PlanLimits
  readonly learned: Learned
  readonly decoder: PointDecoder
}

/** One request with everything that its answer needs. */
interface Block {
  readonly read: PlannedRead
  readonly request: Buffer
  readonly points: readonly DecodedPoint[]
}

export class ReadGroup {
  readonly #options: ReadGroupOptions
  #plan: Plan
  #blocks: readonly Block[] = []
  #version = -1
  /** Of the last exception about addresses. */
  #exception = 0

  constructor(options: ReadGroupOptions) {
    this.#options = options
    this.#plan = this.#replan()
  }

  /** Requests of one poll as planned at present. */
  get requests(): number {
    if (this.#version !== this.#options.learned.version) this.#replan()
    return Math.max(this.#blocks.length, Math.min(1, this.#plan.refused.length))
  }

  /** Reads every point and gives each exactly one result, unless `asking` throws. */
  async read(asking: Asking): Promise<void> {
    const { learned } = this.#options
    if (this.#version !== learned.version) this.#replan()
    const { refused } = this.#plan
    const budget: Budget = { left: MAX_EXTRA_REQUESTS }
    for (const block of this.#blocks) {
      const outcome = await this.#ask(block, asking)
      if (outcome === 'refused' || outcome === 'short') await this.#split(block.read, outcome, asking, budget)
    }
    // A poll that asks nothing would prove nothing about the device.
    let mustAsk = this.#blocks.length === 0
    for (const cell of refused) {
      const isDue = budget.left > 0 && learned.isRetryDue(cell, asking.nowMs)
      if (mustAsk || isDue) {
        budget.left -= 1
        await this.#askAgain(cell, asking)
      } else this.#bad(cell, learned.exceptionOf(cell) ?? 2, asking)
      mustAsk = false
    }
  }

  async #ask(block: Block, asking: Asking): Promise<Outcome> {
    const { learned, decoder } = this.#options
    const answer = await asking.send(block.request)
    const exception = exceptionOf(answer)
    asking.answered(exception)
    if (exception === null) {
      if (isShort(block.request, answer)) {
        this.#exception = 0
        return 'short'
      }
      for (const point of block.points) decoder.decode(point, answer, READ_DATA_START, asking.sink)
      learned.noteAnswer(block.read)
      return 'answered'
    }
    if (isAboutAddresses(exception)) {
      this.#exception = exception
      return 'refused'
    }
    for (const cell of block.read.cells) this.#bad(cell, exception, asking)
    asking.refused(exception)
    return 'failed'
  }

  async #split(read: PlannedRead, outcome: 'refused' | 'short', asking: Asking, budget: Budget): Promise<void> {
    const { learned } = this.#options
    const steps = splitRead(read, outcome, learned, budget)
    let result: Outcome = outcome
    for (;;) {
      const step = steps.next(result)
      if (step.done === true) return
      switch (step.value.kind) {
        case 'ask':
          result = await this.#ask(this.#blockOf(step.value.read), asking)
          break
        case 'probe':
          result = await this.#ask({ ...this.#blockOf(step.value.read), points: [] }, asking)
          break
        case 'refused':
          learned.noteRefusedAlone(step.value.cell, this.#exception, asking.nowMs)
          this.#bad(step.value.cell, this.#exception, asking)
          break
        case 'postponed':
          for (const cell of step.value.read.cells) this.#bad(cell, this.#exception, asking)
          break
      }
    }
  }

  async #askAgain(cell: Cell, asking: Asking): Promise<void> {
    const outcome = await this.#ask(this.#blockOf(readOf([cell])), asking)
    if (outcome !== 'refused' && outcome !== 'short') return
    this.#options.learned.noteRefusedAlone(cell, this.#exception, asking.nowMs)
    this.#bad(cell, this.#exception, asking)
  }

  #bad(cell: Cell, exception: number, { sink }: Asking): void {
    const status = exceptionStatus(exception)
    for (const member of cell.members) sink.bad(this.#options.points[member]!.sensor.number, status, NO_TIME)
  }

  #replan(): Plan {
    const { points, limits, learned } = this.#options
    this.#version = learned.version
    this.#plan = planRequests(
      points.map((entry) => entry.point),
      limits,
      learned,
    )
    this.#blocks = this.#plan.reads.map((read) => this.#blockOf(read))
    return this.#plan
  }

  #blockOf(read: PlannedRead): Block {
    const { points } = this.#options
    const { register, address, width, cells } = read
    return {
      read,
      request: readRequest(register, address, width),
      points: cells.flatMap((cell) =>
        cell.members.map((member) => decodedPoint(points[member]!.sensor.number, points[member]!.point, address)),
      ),
    }
  }
}
