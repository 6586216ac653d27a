// What becomes of one batch at the brain: repeats are dropped, what makes no sense is refused, the rest is judged by the rules
// and handed on; acknowledged when positions and actions are durable.

import { create } from '@bufbuild/protobuf'
import { TelemetryError } from '#domain/errors.ts'
import type { Span, Tracing } from '#domain/tracing.ts'
import type { CountingIntake } from '#receiver/ingest-once.ts'
import type { Taken } from '#receiver/intake.ts'
import { refusalOf } from '#receiver/record-lines.ts'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import { WIRE_LANES } from '#rpc/batch-encoder.ts'
import type { KnownSensors } from '#rpc/dictionary.ts'
import { AcknowledgementSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import type { Clock } from '#kit/clock.ts'
import { formatTraceparent, traceOfRecords } from '#kit/trace-context.ts'
import { actionsOf } from '../actions/actions.ts'
import type { ActionEntry } from '../actions/entry.ts'
import type { Outbox } from '../actions/outbox.ts'
import type { RuleEngine } from '../rules/rule-engine.ts'
import type { Caller } from '../service.ts'
import type { GatewayFile, Ledger } from '../state/ledger.ts'
import type { Feed } from './record-feed.ts'

/** Positions of a gateway that skips and jumps for ever would fill the memory. */
const MAX_RANGES = 10_000

export interface BrainIntakeOptions {
  readonly clock: Clock
  readonly ledger: Ledger
  readonly engine: RuleEngine
  readonly outbox: Outbox
  readonly feed: Feed
  readonly tracing: Tracing
}

interface Refused {
  readonly seq: number
  readonly reason: string
}

/** For one caller, of whom each batch is. */
export class BrainIntake implements CountingIntake<GatewayFile> {
  readonly #options: BrainIntakeOptions
  readonly #caller: Caller

  constructor(options: BrainIntakeOptions, caller: Caller) {
    this.#options = options
    this.#caller = caller
  }

  async open(gateway: string): Promise<GatewayFile> {
    const { gateways, name, tenant } = this.#caller
    if (gateways !== null && !gateways.has(gateway))
      throw new TelemetryError('PERMISSION_DENIED', `The token ${name} does not speak for the gateway ${gateway}`)
    return this.#options.ledger.file(tenant, gateway)
  }

  take(gateway: string, file: GatewayFile, sensors: KnownSensors, bytes: Uint8Array): Promise<Taken> {
    if (file.isStale)
      throw new TelemetryError('STORE_IO', 'What was taken before could not be kept', { retryable: true })
    const batch = decodeBatch(bytes, sensors.typeOf)
    const { positions } = file
    if (positions.rangeCount > MAX_RANGES)
      throw new TelemetryError('PROTOCOL', `The gateway's records lie in more than ${MAX_RANGES} pieces`)
    const seqs = batch.seq.subarray(0, batch.length)
    const fresh = positions.fresh(batch.epoch, seqs)
    const { refused, rows } = sift(batch, fresh, sensors)
    const { epoch, firstSeq, lastSeq, openSeqs } = batch
    const ranges = positions.addBatch({
      epoch,
      seqs,
      firstSeq,
      lastSeq,
      openSeqs,
      refused: refused.map(({ seq }) => seq),
    })
    const taken = {
      acknowledgement: acknowledge(batch, refused),
      accepted: rows.length,
      repeats: batch.length - fresh.length,
    }
    // Begun before `take` returns, traced or not: batches are judged in their order.
    return this.#traced(gateway, batch, async (span) => {
      const actions = this.#options.outbox.admit(this.#judge({ gateway, batch, rows, sensors }))
      span.set('telemetryx.accepted', rows.length)
      span.set('telemetryx.actions', actions.length)
      await this.#options.ledger.commit(file, epoch, ranges, actions)
      this.#options.outbox.take(actions)
      return taken
    })
  }

  /** In the trace of these records: a stream brings many batches and has one header. */
  #traced<T>(gateway: string, batch: ReceivedBatch, work: (span: Span) => Promise<T>): Promise<T> {
    const { epoch, firstSeq, lastSeq, length, seq } = batch
    const first = length > 0 ? seq[0]! : firstSeq || lastSeq
    const parent = formatTraceparent(traceOfRecords(gateway, epoch, first))
    const attributes = { 'telemetryx.gateway': gateway, 'telemetryx.tenant': this.#caller.tenant }
    return this.#options.tracing.span('judge', { kind: 'server', parent, attributes }, work)
  }

  #judge(records: {
    gateway: string
    batch: ReceivedBatch
    rows: readonly number[]
    sensors: KnownSensors
  }): ActionEntry[] {
    const { clock, engine, feed } = this.#options
    const { tenant } = this.#caller
    if (records.rows.length === 0) return []
    const actions: ActionEntry[] = []
    const target = { tenant, now: clock.now() }
    engine.judgeBatch({ tenant, ...records }, (spoken) => void actions.push(...actionsOf(spoken, target)))
    const { batch, gateway, rows, sensors } = records
    feed.tell({ tenant, gateway, batch, rows, sensor: (number) => sensors.get(number) })
    return actions
  }
}

function sift(batch: ReceivedBatch, fresh: readonly number[], sensors: KnownSensors) {
  const refused: Refused[] = []
  const rows: number[] = []
  for (const row of fresh) {
    const reason = refusalOf(batch, row, sensors.get(batch.sensor[row]!))
    if (reason === null) rows.push(row)
    else refused.push({ seq: batch.seq[row]!, reason })
  }
  return { refused, rows }
}

function acknowledge({ epoch, lane, lastSeq }: ReceivedBatch, refused: readonly Refused[]) {
  return create(AcknowledgementSchema, {
    lane: WIRE_LANES[lane],
    position: { epoch, seq: BigInt(lastSeq) },
    rejections: refused.map(({ reason, seq }) => ({ position: { epoch, seq: BigInt(seq) }, reason })),
  })
}
