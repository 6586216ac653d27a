// A Modbus TCP slave that does as little as possible, in a process of its own, for bench/modbus.ts: every request is
// answered with as many registers as it asks for, all of the same content. Prints its port; ends with its parent.

import { createServer, type AddressInfo } from 'node:net'

const REQUEST_BYTES = 12
const MAX_REGISTERS = 125
const HEAD_BYTES = 9

const answer = Buffer.alloc(HEAD_BYTES + MAX_REGISTERS * 2)
for (let register = 0; register < MAX_REGISTERS; register++) answer.writeUInt16BE(register, HEAD_BYTES + register * 2)

/** One request: the answer's head is that of the request, but for its length and byte count. */
function answerTo(request: Buffer): Buffer {
  const bytes = request.readUInt16BE(10) * 2
  const frame = Buffer.from(answer.subarray(0, HEAD_BYTES + bytes))
  request.copy(frame, 0, 0, 8)
  frame.writeUInt16BE(3 + bytes, 4)
  frame[8] = bytes
  return frame
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    // One request is in flight on each connection, so that a chunk is one request.
    if (chunk.length === REQUEST_BYTES) socket.write(answerTo(chunk))
    else socket.destroy()
  })
})
// All of 127.0.0.0/8: each address is a device of its own to the driver.
server.listen(0, '0.0.0.0', 1024, () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
process.stdin.on('end', () => process.exit()).resume()
