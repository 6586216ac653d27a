// A backup's envelope: a POSIX ustar archive (IEEE Std 1003.1 pax, "ustar Interchange Format"), so that any tar can open it.
//
//   archive = *(header content padding) 2 × 512 zero bytes      header: 512 bytes; padding: to a multiple of 512
//   header  = name[100] mode[8] uid[8] gid[8] size[12] mtime[12] checksum[8] type[1] link[100] "ustar\0" "00" …
//
// Sizes of 8 GiB and more do not fit into 11 octal digits: they stand in binary with the top bit set, as GNU tar, bsdtar and
// Python write and read them.

import { TelemetryError } from '#domain/errors.ts'

const BLOCK = 512
const MAX_OCTAL = 8 ** 11
const REGULAR = '0'

export interface TarEntry {
  /** Relative, with `/`, at most 100 bytes. */
  readonly name: string
  readonly size: number
}

/** Header of a regular file; `mtime` in Unix seconds. Throws USAGE for a name that does not fit. */
export function tarHeader({ name, size }: TarEntry, mtime: number): Uint8Array {
  const header = Buffer.alloc(BLOCK)
  if (Buffer.byteLength(name) > 100)
    throw new TelemetryError('USAGE', `${name} is too long a name for a backup: at most 100 bytes`)
  header.write(name, 0, 100)
  header.write('0000600\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  if (size < MAX_OCTAL) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  else {
    header[124] = 0x80
    header.writeBigUInt64BE(BigInt(size), 128)
  }
  header.write(`${Math.floor(mtime).toString(8).padStart(11, '0')}\0`, 136)
  header.write(REGULAR, 156)
  header.write('ustar\u000000', 257)
  header.fill(' ', 148, 156)
  header.write(checksumField(header), 148)
  return header
}

/** Zero bytes behind a content of `size`. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
}

/** What ends an archive. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK)
}

/** Entry of a header; null for the end of the archive. Throws STORE_CORRUPT. */
export function readTarHeader(header: Buffer): TarEntry | null {
  if (header.length !== BLOCK) throw damaged('it ends too early')
  if (header.every((byte) => byte === 0)) return null
  const copy = Buffer.from(header)
  copy.fill(' ', 148, 156)
  if (header.toString('latin1', 148, 156) !== checksumField(copy)) throw damaged('a header is wrong')
  const type = header.toString('latin1', 156, 157)
  if (type !== REGULAR && type !== '\0') throw damaged('it holds something that is no file')
  const name = header.toString('utf8', 0, 100).replace(/\0.*$/s, '')
  const size =
    header[124] === 0x80
      ? Number(header.readBigUInt64BE(128))
      : Number.parseInt(header.toString('latin1', 124, 136).replace(/\0.*$/s, ''), 8)
  if (!Number.isSafeInteger(size) || size < 0) throw damaged('a size is wrong')
  return { name, size }
}

export const TAR_BLOCK = BLOCK

/** STORE_CORRUPT: the file is no backup, or a broken one. */
export function damaged(reason: string): TelemetryError {
  return new TelemetryError('STORE_CORRUPT', `This is no sound backup: ${reason}`)
}

/** Sum of all bytes, the field itself taken as spaces: six octal digits, NUL, space. */
function checksumField(header: Uint8Array): string {
  let sum = 0
  for (const byte of header) sum += byte
  return `${sum.toString(8).padStart(6, '0')}\0 `
}
