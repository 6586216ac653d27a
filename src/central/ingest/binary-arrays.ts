// Columns as PostgreSQL's binary arrays: a hundred thousand values cost one buffer, and the server parses no text.
//
//   array   int32 dimensions (1) · int32 has nulls · int32 type · int32 length · int32 lower bound (1) · cells
//   cell    int32 bytes, −1 for null · the value          (src/backend/utils/adt/arrayfuncs.c, array_send)

const HEAD_BYTES = 20
/** Unix milliseconds of PostgreSQL's zero, 2000-01-01. */
const EPOCH_MS = 946_684_800_000
const TWO_32 = 4_294_967_296

const Type = { int8: 20, int4: 23, text: 25, float8: 701, timestamptz: 1184 } as const

/** Cells of 4 bytes; unsigned ones beyond 2^31 − 1 become negative. */
export function int4Array(length: number, at: (index: number) => number): Buffer {
  const bytes = fixedArray(Type.int4, length, 4)
  for (let index = 0, place = HEAD_BYTES + 4; index < length; index++, place += 8)
    bytes.writeInt32BE(at(index) | 0, place)
  return bytes
}

/** Whole numbers up to ±(2^53 − 1). */
export function int8Array(length: number, at: (index: number) => number): Buffer {
  const bytes = fixedArray(Type.int8, length, 8)
  for (let index = 0, place = HEAD_BYTES + 4; index < length; index++, place += 12) writeInt64(bytes, at(index), place)
  return bytes
}

/** All 64 bits; null where there is none. */
export function bitsArray(length: number, at: (index: number) => bigint | null): Buffer {
  return sparseArray(Type.int8, length, at, (bytes, value, place) =>
    bytes.writeBigInt64BE(BigInt.asIntN(64, value), place),
  )
}

/** NaN is null. */
export function float8Array(length: number, at: (index: number) => number): Buffer {
  const cell = (index: number): number | null => {
    const value = at(index)
    return value === value ? value : null
  }
  return sparseArray(Type.float8, length, cell, (bytes, value, place) => bytes.writeDoubleBE(value, place))
}

/** Unix milliseconds. */
export function timeArray(length: number, at: (index: number) => number): Buffer {
  const bytes = fixedArray(Type.timestamptz, length, 8)
  for (let index = 0, place = HEAD_BYTES + 4; index < length; index++, place += 12)
    writeInt64(bytes, (at(index) - EPOCH_MS) * 1000, place)
  return bytes
}

function writeInt64(bytes: Buffer, value: number, place: number): void {
  const high = Math.floor(value / TWO_32)
  bytes.writeInt32BE(high, place)
  bytes.writeUInt32BE(value - high * TWO_32, place + 4)
}

/** No cell is null: each has its place. */
function fixedArray(type: number, length: number, cellBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + length * (4 + cellBytes))
  writeHead(bytes, { type, length, hasNulls: false })
  for (let index = 0, place = HEAD_BYTES; index < length; index++, place += 4 + cellBytes)
    bytes.writeInt32BE(cellBytes, place)
  return bytes
}

/** Cells of 8 bytes, of which some may be null. */
function sparseArray<T>(
  type: number,
  length: number,
  at: (index: number) => T | null,
  write: (bytes: Buffer, value: T, place: number) => void,
): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + length * 12)
  let place = HEAD_BYTES
  let hasNulls = false
  for (let index = 0; index < length; index++) {
    const value = at(index)
    if (value === null) {
      hasNulls = true
      bytes.writeInt32BE(-1, place)
      place += 4
    } else {
      bytes.writeInt32BE(8, place)
      write(bytes, value, place + 4)
      place += 12
    }
  }
  writeHead(bytes, { type, length, hasNulls })
  return bytes.subarray(0, place)
}

function writeHead(
  bytes: Buffer,
  { type, length, hasNulls }: { type: number; length: number; hasNulls: boolean },
): void {
  bytes.writeInt32BE(length === 0 ? 0 : 1, 0) // an empty array has no dimensions
  bytes.writeInt32BE(hasNulls ? 1 : 0, 4)
  bytes.writeInt32BE(type, 8)
  bytes.writeInt32BE(length, 12)
  bytes.writeInt32BE(1, 16)
}
