// Text of the configuration as bytes: each character is one byte, as "\x02" in YAML means it.

/** ISO 8859-1 bytes of a text; null when a character is none of them. */
export function bytesOf(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff) return null
    bytes[i] = code
  }
  return bytes
}

/** As bytesOf for a text that `problems` found no fault with. */
export function knownBytes(text: string): Uint8Array {
  return bytesOf(text) ?? new Uint8Array()
}
