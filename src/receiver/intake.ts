// What becomes of one batch, whichever way it came: repeats are dropped, what makes no sense is refused, the rest is kept, and
// the acknowledgement is given when it is on the disk.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { TelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import { WIRE_LANES } from '#rpc/batch-encoder.ts'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import type { KnownSensors } from '#rpc/dictionary.ts'
import { AcknowledgementSchema, type Acknowledgement } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import { GatewayLog } from './gateway-log.ts'
import { recordLine, refusalOf } from './record-lines.ts'

/** Positions of a gateway that skips and jumps for ever would fill the memory. */
const MAX_RANGES = 100_000
const MAX_ID_LENGTH = 64

export interface Taken {
  readonly acknowledgement: Acknowledgement
  readonly accepted: number
  readonly repeats: number
}

export class Intake {
  readonly #folder: string
  readonly #logs = new Map<string, Promise<GatewayLog>>()
  #accepted = 0

  /** @param folder where the files are kept, one for each gateway. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Records that were kept since the start. */
  get accepted(): number {
    return this.#accepted
  }

  /** Opens the file of a gateway. Throws PROTOCOL when its name is none, STORE_IO. */
  async open(gateway: string): Promise<GatewayLog> {
    if (!isId(gateway) || gateway.length > MAX_ID_LENGTH)
      throw new TelemetryError('PROTOCOL', 'The gateway id is not valid')
    const known = this.#logs.get(gateway)
    if (known) return known
    const opening = mkdir(this.#folder, { recursive: true }).then(() =>
      GatewayLog.open(join(this.#folder, `${gateway}.jsonl`)),
    )
    this.#logs.set(gateway, opening)
    opening.catch(() => this.#logs.delete(gateway))
    return opening
  }

  /**
   * Takes a batch; resolves when all of it is durable. Calls for one gateway are settled in the order in which they were
   * made. Throws PROTOCOL at once when the bytes make no sense.
   */
  take(gateway: string, log: GatewayLog, sensors: KnownSensors, bytes: Uint8Array): Promise<Taken> {
    const batch = decodeBatch(bytes, sensors.typeOf)
    const { positions } = log
    if (positions.rangeCount > MAX_RANGES)
      throw new TelemetryError('PROTOCOL', `The gateway's records lie in more than ${MAX_RANGES} pieces`)
    const seqs = batch.seq.subarray(0, batch.length)
    const fresh = positions.fresh(batch.epoch, seqs)
    const refused: { seq: number; reason: string }[] = []
    const options = { gateway, sensor: (number: number) => sensors.get(number) }
    let lines = ''
    for (const row of fresh) {
      const reason = refusalOf(batch, row, sensors.get(batch.sensor[row]!))
      if (reason === null) lines += recordLine(batch, row, options)
      else refused.push({ seq: batch.seq[row]!, reason })
    }
    const { epoch, firstSeq, lastSeq, openSeqs } = batch
    const ranges = positions.addBatch({
      epoch,
      seqs,
      firstSeq,
      lastSeq,
      openSeqs,
      refused: refused.map(({ seq }) => seq),
    })
    const accepted = fresh.length - refused.length
    const taken = { acknowledgement: acknowledge(batch, refused), accepted, repeats: batch.length - fresh.length }
    this.#accepted += accepted
    return log.append(lines, epoch, ranges).then(
      () => taken,
      async (cause: unknown) => {
        await this.#giveUp(gateway, log)
        throw cause
      },
    )
  }

  /** The file could not be written: the next stream opens it anew, to know what it has. */
  async #giveUp(gateway: string, log: GatewayLog): Promise<void> {
    if ((await this.#logs.get(gateway)) === log) this.#logs.delete(gateway)
    await log.close()
  }

  /** Waits for what is under way, and closes the files. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#logs.values())
    for (const result of opened) if (result.status === 'fulfilled') await result.value.close()
  }
}

function acknowledge({ epoch, lane, lastSeq }: ReceivedBatch, refused: readonly { seq: number; reason: string }[]) {
  return create(AcknowledgementSchema, {
    lane: WIRE_LANES[lane],
    position: { epoch, seq: BigInt(lastSeq) },
    rejections: refused.map(({ reason, seq }) => ({ position: { epoch, seq: BigInt(seq) }, reason })),
  })
}
