// What an acknowledgement needs of a batch, without reading the rest.

import { WireReader } from '#rpc/wire-reader.ts'
import { VARINT } from '#rpc/wire-writer.ts'

export interface BatchHead {
  readonly epoch: number
  /** As on the wire. */
  readonly lane: number
  readonly lastSeq: number
}

/** Of a batch that has been decoded before: it is sound. */
export function batchHead(bytes: Uint8Array): BatchHead {
  const fields = [0, 0, 0, 0, 0]
  const reader = new WireReader(bytes)
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    const [field, wireType] = [tag >>> 3, tag & 7]
    if (wireType === VARINT && field <= 4) fields[field] = reader.uint()
    else reader.skip(wireType)
  }
  return { epoch: fields[1]!, lane: fields[2]!, lastSeq: fields[4]! }
}
