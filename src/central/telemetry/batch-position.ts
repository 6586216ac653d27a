// Where a batch begins, read from its bytes alone: what its trace follows from.

import { WireReader } from '#rpc/wire-reader.ts'
import { LENGTH, VARINT } from '#rpc/wire-writer.ts'

export interface BatchPosition {
  readonly epoch: number
  readonly seq: number
}

const EPOCH = 1
const LAST_SEQ = 4
const FIRST_SEQ = 5
const BLOCKS = 6
const ALARMS = 7
const EVENTS = 8

/** `bytes`: a telemetryx.v1.Batch; null when it makes no sense, which its decoder then says. */
export function positionOf(bytes: Uint8Array): BatchPosition | null {
  try {
    return scan(new WireReader(bytes))
  } catch {
    return null
  }
}

function scan(reader: WireReader): BatchPosition | null {
  let [epoch, first, last] = [0, 0, 0]
  let record = Number.POSITIVE_INFINITY
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    const [field, wireType] = [tag >>> 3, tag & 7]
    if (wireType === VARINT) {
      const value = reader.uint()
      if (field === EPOCH) epoch = value
      else if (field === FIRST_SEQ) first = value
      else if (field === LAST_SEQ) last = value
    } else if (wireType === LENGTH && (field === BLOCKS || field === ALARMS || field === EVENTS))
      record = Math.min(record, firstNumber(reader.content()))
    else reader.skip(wireType)
  }
  const seq = Number.isFinite(record) ? record : first || last
  return epoch > 0 && seq > 0 ? { epoch, seq } : null
}

/** `seq` of a record and `first_seq` of a block are both field 1. */
function firstNumber(reader: WireReader): number {
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    if (tag >>> 3 === 1 && (tag & 7) === VARINT) return reader.uint()
    reader.skip(tag & 7)
  }
  return Number.POSITIVE_INFINITY
}
