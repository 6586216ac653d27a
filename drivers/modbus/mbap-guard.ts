// Follows the frames of a Modbus TCP stream without copying them and says at once when the stream cannot be Modbus.
// modbus-serial waits for ever for the rest of a frame with a garbage length, and does not look at the protocol id.
//
//   transaction id u16 · protocol id u16, 0 · length u16, of what follows · unit id u8 · PDU, 1 to 253 bytes
//   Modbus Messaging on TCP/IP Implementation Guide V1.0b §3.1.3

const HEADER_BYTES = 6
const MIN_LENGTH = 3 // unit, function and one byte: an exception
const MAX_LENGTH = 254 // unit and a PDU of 253. Modbus Application Protocol V1.1b3 §4.1

export class MbapGuard {
  readonly #header = new Uint8Array(HEADER_BYTES)
  #headerBytes = 0
  #bodyBytes = 0

  /** True after half a frame. */
  get isMidFrame(): boolean {
    return this.#headerBytes > 0 || this.#bodyBytes > 0
  }

  /** Takes the next bytes of the stream. Answers why they cannot be Modbus TCP, or null. After a complaint it is of no more use. */
  accept(chunk: Uint8Array): string | null {
    let at = 0
    while (at < chunk.length) {
      if (this.#bodyBytes > 0) {
        const taken = Math.min(this.#bodyBytes, chunk.length - at)
        this.#bodyBytes -= taken
        at += taken
        continue
      }
      this.#header[this.#headerBytes++] = chunk[at++]!
      if (this.#headerBytes < HEADER_BYTES) continue
      const problem = this.#readHeader()
      if (problem !== null) return problem
    }
    return null
  }

  #readHeader(): string | null {
    const [, , protocolHigh, protocolLow, lengthHigh, lengthLow] = this.#header
    const protocol = (protocolHigh! << 8) | protocolLow!
    const length = (lengthHigh! << 8) | lengthLow!
    if (protocol !== 0) return `protocol id ${protocol} instead of 0`
    if (length < MIN_LENGTH || length > MAX_LENGTH)
      return `frame length ${length} is not between ${MIN_LENGTH} and ${MAX_LENGTH}`
    this.#headerBytes = 0
    this.#bodyBytes = length
    return null
  }
}
