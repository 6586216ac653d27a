// Guesses from received bytes whether the settings of a port are right, and where frames end. Pure. At a wrong baud rate
// bytes are arbitrary; at the right one most instruments send printable text.

/** A guess about bytes that were received with 8 data bits and no parity. */
export interface Heard {
  readonly bytes: number
  /** Share of printable characters and line ends, 0 to 1; of the lower seven bits where the eighth is a parity bit. */
  readonly printable: number
  /** Not none when the eighth bit of every byte is a parity bit: then there are 7 data bits. */
  readonly parity: 'none' | 'even' | 'odd'
  /** What seems to end each frame; null when nothing does. */
  readonly delimiter: string | null
  /** The last whole line, or the end of what came, printable characters only. */
  readonly sample: string
}

const LINE_ENDS = ['\r\n', '\n', '\r', '\x03']
const MAX_SAMPLE = 60
/** Fewer bytes prove no parity: each has an even one with probability 1/2. */
const MIN_PARITY_BYTES = 16

export function judgeBytes(received: Uint8Array): Heard {
  const parity = parityOf(received)
  const bytes = parity === 'none' ? received : received.map((byte) => byte & 0x7f)
  const printable = bytes.reduce((count, byte) => count + (isText(byte) ? 1 : 0), 0)
  const text = Buffer.from(bytes).toString('latin1')
  const delimiter = LINE_ENDS.find((end) => text.includes(end)) ?? null
  return {
    bytes: bytes.length,
    printable: bytes.length === 0 ? 0 : printable / bytes.length,
    parity,
    delimiter,
    sample: sampleOf(text, delimiter),
  }
}

function isText(byte: number): boolean {
  return (
    (byte >= 0x20 && byte < 0x7f) || byte === 0x0d || byte === 0x0a || byte === 0x09 || byte === 0x02 || byte === 0x03
  )
}

function parityOf(bytes: Uint8Array): Heard['parity'] {
  if (bytes.length < MIN_PARITY_BYTES || !bytes.some((byte) => byte > 0x7f)) return 'none'
  const odd = bytes.reduce((count, byte) => count + (onesOf(byte) % 2), 0)
  return odd === 0 ? 'even' : odd === bytes.length ? 'odd' : 'none'
}

function onesOf(byte: number): number {
  let ones = 0
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1
  return ones
}

function sampleOf(text: string, delimiter: string | null): string {
  const parts = delimiter === null ? [text] : text.split(delimiter).slice(0, -1)
  const line = parts.at(-1) ?? ''
  return line.replaceAll(/[^\x20-\x7e]/g, '.').slice(-MAX_SAMPLE)
}
