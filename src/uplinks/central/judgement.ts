// What central's 202 says of one body, and whether it makes sense: an acknowledgement of something else is none.

import { fromBinary, fromJsonString } from '@bufbuild/protobuf'
import { IngestResponseSchema, type IngestResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { nonsense } from './failure.ts'
import type { Answer } from './answer.ts'

const MAX_REASON = 500

export interface Asked {
  readonly epoch: number
  readonly firstSeq: number
  /** Rows of the batch that were in the body. */
  readonly rows: Uint32Array
  readonly lastSeq: number
}

/** Rows that central refuses for good. Throws PROTOCOL. */
export function judge(answer: Answer, asked: Asked, name: string): { row: number; reason: string }[] {
  const { acknowledgement } = parse(answer, name)
  const position = acknowledgement?.position
  if (position?.epoch !== asked.epoch || position.seq !== BigInt(asked.lastSeq))
    throw nonsense(name, 'with an acknowledgement of something that was not sent')
  const rejected = new Map<number, string>()
  for (const { position: refused, reason } of acknowledgement?.rejections ?? []) {
    const row = Number(refused?.seq ?? 0n) - asked.firstSeq
    if (refused?.epoch !== asked.epoch || !asked.rows.includes(row))
      throw nonsense(name, 'with a refusal of something that was not sent')
    rejected.set(row, reason.slice(0, MAX_REASON))
  }
  return [...rejected].map(([row, reason]) => ({ row, reason }))
}

function parse({ headers, body }: Answer, name: string): IngestResponse {
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  try {
    if (type === 'application/json')
      return fromJsonString(IngestResponseSchema, body.toString('utf8'), { ignoreUnknownFields: true })
    if (type === 'application/x-protobuf' || type === 'application/protobuf')
      return fromBinary(IngestResponseSchema, body)
  } catch {
    throw nonsense(name, 'with something that is no IngestResponse')
  }
  throw nonsense(name, type === '' ? 'without a Content-Type' : `with ${type.slice(0, 100)}`)
}
