// What a hostile or broken gateway hands in: bodies that expand, fields by hand, batches as JSON, and large ones.

import { createZstdCompress, gzipSync } from 'node:zlib'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { IngestRequestSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'

export const MIB = 1024 * 1024
export const BOMB_BYTES = 512 * MIB

export type HostileRequest = MessageInitShape<typeof IngestRequestSchema>

/** A length-delimited field of protobuf. */
export function field(number: number, content: Uint8Array): Buffer {
  const length: number[] = []
  for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest < 128 ? rest : (rest % 128) | 0x80)
    if (rest < 128) break
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content])
}

export function repeated(part: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => part))
}

/** Readings of one sensor, a second apart, as JSON. */
export function batch(of: { gateway: string; firstSeq: number; values: readonly number[]; sensor?: string }) {
  const { firstSeq, gateway, sensor = 'press-1.pressure', values } = of
  const block = {
    firstSeq: String(firstSeq),
    sensors: values.map(() => 0),
    receivedAtMs: String(Date.now() - 1_800_000 + firstSeq),
    receivedDeltas: values.map((_, index) => (index === 0 ? 0 : 1)),
    numbers: [...values],
  }
  return {
    gateway,
    dictionary: { sensors: [{ number: 0, id: sensor, valueType: 1 }] },
    batch: {
      epoch: 1,
      firstSeq: String(firstSeq),
      lastSeq: String(firstSeq + Math.max(1, values.length) - 1),
      blocks: values.length === 0 ? [] : [block],
    },
  }
}

/** A reading each of so many sensors that nobody has heard of. */
export function manyNames(
  gateway: string,
  prefix: string,
  { count, firstSeq }: { readonly count: number; readonly firstSeq: number },
): HostileRequest {
  const sensors = Array.from({ length: count }, (_, number) => ({ number, id: `${prefix}${number}`, valueType: 1 }))
  const block = {
    firstSeq: BigInt(firstSeq),
    sensors: sensors.map(({ number }) => number),
    receivedAtMs: BigInt(Date.now()),
    numbers: sensors.map(() => 1),
  }
  const batch = { epoch: 1, firstSeq: BigInt(firstSeq), lastSeq: BigInt(firstSeq + count - 1), blocks: [block] }
  return { gateway, dictionary: { sensors }, batch }
}

/** About 1 MiB of texts that are too old to be kept: it waits like any other, and leaves nothing. */
export function bulk(gateway: string, firstSeq: number): HostileRequest {
  const rows = 260
  return {
    gateway,
    dictionary: { sensors: [{ number: 0, id: 'm.text', valueType: 5 }] },
    batch: {
      epoch: 1,
      firstSeq: BigInt(firstSeq),
      lastSeq: BigInt(firstSeq + rows - 1),
      blocks: [
        {
          firstSeq: BigInt(firstSeq),
          sensors: Array.from({ length: rows }, () => 0),
          receivedAtMs: 1_000_000n,
          texts: Array.from({ length: rows }, () => 'x'.repeat(4096)),
        },
      ],
    },
  }
}

/** Members of a gzip file may follow each other (RFC 1952 §2.2). */
export function gzipBomb(): Buffer {
  const member = gzipSync(Buffer.alloc(MIB), { level: 9 })
  return Buffer.concat(Array.from({ length: BOMB_BYTES / MIB }, () => member))
}

export async function zstdBomb(): Promise<Buffer> {
  const compress = createZstdCompress()
  const zeros = Buffer.alloc(MIB)
  const parts: Buffer[] = []
  const whole = (async () => {
    for await (const part of compress) parts.push(part as Buffer)
  })()
  for (let written = 0; written < BOMB_BYTES; written += MIB)
    if (!compress.write(zeros)) await new Promise<void>((resolve) => void compress.once('drain', resolve))
  compress.end()
  await whole
  return Buffer.concat(parts)
}
