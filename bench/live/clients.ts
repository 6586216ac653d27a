// Live clients in a process of their own, so that their work is not taken for the server's: connects to `argv[2]` as often as
// `argv[3]` says, tells its parent when all are open, and on a message what they have received since the one before.

import { WebSocket } from 'ws'

export interface Received {
  readonly messages: number
  readonly bytes: number
  /** Milliseconds from the newest reading of a message to its arrival. */
  readonly latencyMs: readonly number[]
}

const [url = '', count = '0'] = process.argv.slice(2)
let messages = 0
let bytes = 0
let latencyMs: number[] = []

const open = Array.from({ length: Number(count) }, (_, index) => {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  socket.on('message', (data: Buffer) => {
    messages += 1
    bytes += data.length
    // One client looks inside: parsing all of it would make this process the bottleneck.
    if (index > 0) return
    const { readings } = JSON.parse(data.toString('utf8')) as { readings?: readonly { receivedAt: string }[] }
    const newest = readings?.at(-1)?.receivedAt
    if (newest !== undefined) latencyMs.push(Date.now() - Date.parse(newest))
  })
  return new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
})

process.on('message', () => {
  const received: Received = { messages, bytes, latencyMs }
  process.send?.(received)
  messages = 0
  bytes = 0
  latencyMs = []
})
process.on('disconnect', () => process.exit(0))
await Promise.all(open)
process.send?.('open')
