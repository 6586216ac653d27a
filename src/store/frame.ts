// The envelope of everything that the store keeps in blobs: checksum, and zstd where it saves room.
//
//   u32 LE   CRC-32 of all that follows
//   u8       method: 0 as it is, 1 zstd
//   varint   length of the content before compression
//   bytes    the content

import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { ByteReader, ByteWriter, corrupt } from './bytes.ts'

const STORED = 0
const ZSTD = 1
const MIN_COMPRESSED_BYTES = 48 // below, the frame of zstd costs more than it saves
const MAX_CONTENT_BYTES = 2 ** 30

const PARAMS = {
  [constants.ZSTD_c_compressionLevel]: 1, // 3 gains nothing on these columns
  [constants.ZSTD_c_contentSizeFlag]: 0,
}

/** Wraps `content`. The result owns its memory. */
export function seal(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let body: Uint8Array = content
  let method = STORED
  if (content.length >= MIN_COMPRESSED_BYTES) {
    const packed = zstdCompressSync(content, { params: PARAMS, chunkSize: Math.max(1024, content.length) })
    if (packed.length < content.length) {
      body = packed
      method = ZSTD
    }
  }
  const out = new ByteWriter(body.length + 16)
  out.word(0)
  out.byte(method)
  out.varint(content.length)
  out.raw(body)
  new DataView(out.bytes.buffer).setUint32(0, crc32(out.bytes.subarray(4, out.at)), true)
  return out.written
}

/** Unwraps what `seal` made. Throws STORE_CORRUPT. */
export function unseal(frame: Uint8Array): Uint8Array {
  const input = new ByteReader(frame)
  const expected = input.word()
  if (crc32(frame.subarray(4)) !== expected) throw corrupt('The checksum of stored data is wrong')
  const method = input.byte()
  const length = input.varint()
  if (length > MAX_CONTENT_BYTES) throw corrupt('Stored data claim an impossible size')
  const body = frame.subarray(input.at)
  if (method === STORED) return body
  if (method !== ZSTD) throw corrupt('Stored data use an unknown compression')
  return zstdDecompressSync(body, { chunkSize: Math.max(1024, length), maxOutputLength: Math.max(1, length) })
}
