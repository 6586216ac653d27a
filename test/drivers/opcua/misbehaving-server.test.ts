// Peers that are no OPC UA server, or a broken one: connecting fails in time and in plain words, nothing hangs, nothing is
// left behind, and no rejection goes unheard.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Folder, freePort, NEVER, openDevice } from './bench.ts'

const folder = new Folder()
const servers: Server[] = []
const sockets = new Set<Socket>()
const unheard: unknown[] = []
const hear = (reason: unknown): void => void unheard.push(reason)

beforeAll(() => {
  process.on('unhandledRejection', hear)
  process.on('uncaughtException', hear)
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) {
    server.close()
    await once(server, 'close')
  }
})
afterAll(() => {
  process.off('unhandledRejection', hear)
  process.off('uncaughtException', hear)
  folder.remove()
})

async function peer(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `opc.tcp://127.0.0.1:${(server.address() as { port: number }).port}`
}

/** Connects, expecting that it fails, and closes. */
async function failure(endpoint: string, policy?: 'Basic256Sha256'): Promise<unknown> {
  const connection = { timeout: 400, ...(policy === undefined ? {} : { security: { policy } }) }
  const { device, context } = openDevice({
    endpoint,
    pkiDir: folder.at('client'),
    sensors: [{ name: 'Int16' }],
    connection,
  })
  const error: unknown = await device.connect(NEVER).then(
    () => null,
    (cause: unknown) => cause,
  )
  await device.close()
  expect(context.lostCauses).toEqual([])
  return error
}

const acknowledge = Buffer.concat([Buffer.from('ACKF'), u32(28), u32(0), u32(65_536), u32(65_536), u32(0), u32(0)])

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

const PEERS: readonly [string, (socket: Socket) => void][] = [
  ['stays silent', () => {}],
  ['closes at once', (socket) => socket.destroy()],
  ['closes when it is asked', (socket) => socket.once('data', () => socket.end())],
  ['answers with random bytes', (socket) => socket.on('data', () => socket.write(randomBytes(300)))],
  ['talks HTTP', (socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))],
  ['greets, then stays silent', (socket) => socket.once('data', () => socket.write(acknowledge))],
  [
    'greets, then answers with random bytes',
    (socket) => {
      socket.once('data', () => {
        socket.write(acknowledge)
        socket.on('data', () => socket.write(randomBytes(200)))
      })
    },
  ],
  [
    'greets, then answers with a well-framed message of nonsense',
    (socket) => {
      socket.once('data', () => {
        socket.write(acknowledge)
        socket.on('data', () => socket.write(Buffer.concat([Buffer.from('OPNF'), u32(108), randomBytes(100)])))
      })
    },
  ],
  [
    'greets, then announces a message that never ends',
    (socket) => {
      socket.once('data', () => {
        socket.write(acknowledge)
        socket.on('data', () => socket.write(Buffer.concat([Buffer.from('OPNF'), u32(0x7fff_ffff), randomBytes(1000)])))
      })
    },
  ],
  [
    'greets, then ends with an error',
    (socket) => {
      socket.once('data', () => {
        socket.write(acknowledge)
        const error = Buffer.concat([u32(0x80000000), u32(0xffff_ffff)])
        socket.on('data', () => socket.end(Buffer.concat([Buffer.from('ERRF'), u32(8 + error.length), error])))
      })
    },
  ],
]

describe('connecting to an OPC UA server that', () => {
  it.each(PEERS)('%s fails in time', async (_name, behave) => {
    const endpoint = await peer(behave)
    for (const policy of [undefined, 'Basic256Sha256'] as const) {
      const error = await failure(endpoint, policy)
      expect(error).toMatchObject({ name: 'TelemetryError', retryable: true })
      expect(['CONNECTION_FAILED', 'TIMEOUT', 'CONNECTION_LOST', 'PROTOCOL']).toContain(
        (error as { code: string }).code,
      )
    }
    await new Promise((resolve) => setImmediate(resolve))
    expect(unheard).toEqual([])
  })

  it('is not there fails with the reason', async () => {
    const endpoint = `opc.tcp://127.0.0.1:${await freePort()}`
    expect(await failure(endpoint)).toMatchObject({
      code: 'CONNECTION_FAILED',
      message: `No connection to ${endpoint}: nobody listens there (ECONNREFUSED)`,
    })
  })

  it('never answers is given up at once when the device is closed', async () => {
    const endpoint = await peer(() => {})
    const connection = { timeout: 7000 }
    const { device } = openDevice({ endpoint, pkiDir: folder.at('client'), sensors: [{ name: 'Int16' }], connection })
    const connecting = expect(device.connect(NEVER)).rejects.toMatchObject({ code: 'ABORTED' })
    await new Promise((resolve) => setImmediate(resolve))
    await device.close()
    await connecting
    expect(unheard).toEqual([])
  })
})
