// What a Modbus frame says, in words: over TCP (MBAP) or over a serial line (RTU). What is no whole frame is told as such. Pure.
// Modbus Application Protocol V1.1b3 §6, Modbus Messaging on TCP/IP V1.0b §3.1.

const FUNCTIONS: Readonly<Record<number, string>> = {
  1: 'read coils',
  2: 'read discrete inputs',
  3: 'read holding registers',
  4: 'read input registers',
  5: 'write coil',
  6: 'write register',
  15: 'write coils',
  16: 'write registers',
  22: 'mask register',
  23: 'write and read registers',
  43: 'read identification',
}

const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'device failure',
  5: 'still working',
  6: 'device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'target device failed to respond',
}

const MBAP_BYTES = 7

/** `isTcp`: the frame begins with an MBAP header; else it ends with a CRC. */
export function modbusFrameWords(bytes: Uint8Array, isRequest: boolean, isTcp: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isTcp) {
    if (bytes.length < MBAP_BYTES + 2) return 'not a whole frame'
    const length = view.getUint16(4)
    const rest = length + 6 === bytes.length ? '' : `, length says ${length + 6} bytes`
    const pdu = bytes.subarray(MBAP_BYTES)
    return `#${view.getUint16(0)} unit ${bytes[6]}: ${pduWords(pdu, isRequest)}${rest}`
  }
  if (bytes.length < 4) return 'not a whole frame'
  const isWhole = crc16(bytes.subarray(0, -2)) === view.getUint16(bytes.length - 2, true)
  return `unit ${bytes[0]}: ${pduWords(bytes.subarray(1, -2), isRequest)}${isWhole ? '' : ', CRC wrong'}`
}

function pduWords(pdu: Uint8Array, isRequest: boolean): string {
  const code = pdu[0]!
  if (code >= 0x80) {
    const exception = pdu[1] ?? 0
    const meaning = EXCEPTIONS[exception]
    return `refuses to ${FUNCTIONS[code & 0x7f] ?? `do function ${code & 0x7f}`}: exception ${exception}${meaning === undefined ? '' : `, ${meaning}`}`
  }
  const name = FUNCTIONS[code] ?? `function ${code}`
  const view = new DataView(pdu.buffer, pdu.byteOffset, pdu.byteLength)
  if (code >= 1 && code <= 4) {
    if (isRequest)
      return pdu.length < 5 ? `${name}, cut short` : `${name}, ${spanWords(view.getUint16(1), view.getUint16(3))}`
    return code <= 2 ? `${pdu[1] ?? 0} bytes of bits` : registersWords(pdu.subarray(2))
  }
  if (pdu.length < 5) return name
  if (code === 5) return `${name} ${view.getUint16(1)} ${view.getUint16(3) === 0 ? 'off' : 'on'}`
  if (code === 6) return `${name} ${view.getUint16(1)} to ${view.getUint16(3)}`
  if (code === 15 || code === 16) return `${name}, ${spanWords(view.getUint16(1), view.getUint16(3))}`
  if (code === 23 && !isRequest) return registersWords(pdu.subarray(2))
  return name
}

function spanWords(address: number, count: number): string {
  return count === 1 ? `address ${address}` : `addresses ${address} to ${address + count - 1}`
}

const SHOWN = 12

function registersWords(data: Uint8Array): string {
  const words: string[] = []
  for (let index = 0; index + 1 < data.length && words.length < SHOWN; index += 2)
    words.push(String((data[index]! << 8) | data[index + 1]!))
  const more = (data.length >> 1) - words.length
  return `registers ${words.join(' ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** CRC-16 of Modbus (polynomial 0xA001 reflected, start 0xFFFF). Modbus over Serial Line V1.02 §6.2.2 */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0xa001
  }
  return crc
}

/** `00 01 00 00 …`; what is not text in the frame is a dot behind it when `withText`. */
export function hexWords(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

/** What can be read of a frame as text: for protocols of lines and letters. */
export function textOfBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('')
}
