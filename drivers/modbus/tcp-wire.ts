// A wire that is a TCP connection.

import { connect } from 'node:net'
import type { OpenWire, Wire } from './wire.ts'

const KEEP_ALIVE_AFTER_MS = 30_000
/** Takes the longest frame three times over; what is longer comes in several pieces. */
const READ_BYTES = 1024

export function tcpWire(host: string, port: number): OpenWire {
  return (events) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
      // One buffer for the whole connection. Measured: a new one for each answer is half of what a read costs.
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (bytes, buffer) => {
          if (!isLost) events.data(Buffer.from(buffer.buffer, buffer.byteOffset, bytes))
          return true
        },
      },
    })
    const opened = Promise.withResolvers<Wire>()
    let isLost = false
    const destroy = (): void => {
      isLost = true // what it still has to say comes too late
      socket.destroy()
    }
    const lost = (cause?: Error): void => {
      opened.reject(cause ?? new Error('The connection was closed'))
      if (isLost) return
      destroy()
      events.lost(cause)
    }
    socket.once('connect', () => opened.resolve({ write: (bytes) => void socket.write(bytes), destroy }))
    socket.on('error', lost)
    socket.on('end', () => lost())
    socket.on('close', () => lost())
    return { opened: opened.promise, cancel: destroy }
  }
}
