// Watches the bytes of a connection for packets that are too long, before the library has gathered them in memory.
//
//   packet = type (1 byte) · length (1 to 4 bytes, 7 bits each, low first) · as many bytes      MQTT 3.1.1 §2.2

export class PacketGuard {
  readonly #maxBytes: number
  /** Bytes of the present packet that are still to come. */
  #remaining = 0
  #isInLength = false
  #length = 0
  #shift = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** False when a packet is longer than allowed, or its length is malformed: nothing after it can be trusted. */
  accept(chunk: Uint8Array): boolean {
    let at = 0
    while (at < chunk.length) {
      if (this.#remaining > 0) {
        const step = Math.min(this.#remaining, chunk.length - at)
        this.#remaining -= step
        at += step
      } else if (this.#isInLength) {
        if (!this.#takeLength(chunk[at]!)) return false
        at += 1
      } else {
        this.#isInLength = true
        this.#length = 0
        this.#shift = 0
        at += 1
      }
    }
    return true
  }

  #takeLength(byte: number): boolean {
    this.#length += (byte & 0x7f) * 2 ** this.#shift
    this.#shift += 7
    if (byte >= 0x80) return this.#shift < 28
    this.#isInLength = false
    this.#remaining = this.#length
    return this.#length <= this.#maxBytes
  }
}
