// Ends a connection at the first packet that is too long, before it has been gathered in memory.
//
//   packet = type (1 byte) · length (1 to 4 bytes, 7 bits each, low first) · as many bytes      MQTT 3.1.1 §2.2

import type { Socket } from 'node:net'

/** Calls `onTooLong` once, and destroys the socket, when a packet has more than `maxBytes` after its length. */
export function limitPackets(socket: Socket, maxBytes: number, onTooLong: () => void): void {
  let remaining = 0
  let shift = -1 // -1: the next byte is a type
  let length = 0
  let isOver = false
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length && !isOver;) {
      if (remaining > 0) {
        const step = Math.min(remaining, chunk.length - at)
        remaining -= step
        at += step
        continue
      }
      const byte = chunk[at++]!
      if (shift === -1) {
        shift = 0
        length = 0
        continue
      }
      length += (byte & 0x7f) * 2 ** shift
      shift += 7
      if (byte >= 0x80 && shift < 28) continue
      isOver = byte >= 0x80 || length > maxBytes
      remaining = length
      shift = -1
    }
    if (!isOver) return
    socket.removeAllListeners('data')
    onTooLong()
    socket.destroy()
  })
}
