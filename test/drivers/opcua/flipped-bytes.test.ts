// A wire that flips bits in what a real server sends: nothing is thrown past the driver, nothing hangs, and where messages are
// signed no wrong value is ever read. (Without security nothing but TCP guards a value, and nothing could.)

import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import { Pki } from '#drivers/opcua/pki.ts'
import { seededRandom } from '#kit/random.ts'
import { Folder, NEVER, openDevice, startServer, type OpcuaServer, type TestDevice } from './bench.ts'

const ROUNDS = Number(process.env['TELEMETRYX_FLIP_ROUNDS'] ?? 8)
const EXPECTED = { Int16: -30_000, UInt32: 4_000_000_000 } as const
const folder = new Folder()
const sockets = new Set<Socket>()
const unheard: unknown[] = []
const hear = (reason: unknown): void => void unheard.push(reason)
const random = seededRandom(20_261_121)
let server: OpcuaServer
let wire: Server
/** Bits of the answer that are flipped: 0 none. */
let flips = 0
let flipped = 0

beforeAll(async () => {
  process.on('unhandledRejection', hear)
  process.on('uncaughtException', hear)
  server = await startServer({ pki: folder.at('server') })
  const certificate = new X509Certificate(readFileSync(folder.at('server/own/certs/certificate.pem')))
  await new Pki(folder.at('client')).trust(certificate)
  wire = createServer((client) => {
    const behind = connect(server.settings.port, '127.0.0.1')
    for (const socket of [client, behind]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.on('data', (bytes: Buffer) => behind.write(bytes))
    behind.on('data', (bytes: Buffer) => client.write(damaged(bytes)))
    client.on('close', () => behind.destroy())
    behind.on('close', () => client.destroy())
  })
  wire.listen(0, '127.0.0.1')
  await once(wire, 'listening')
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  wire.close()
  await server.kill()
  process.off('unhandledRejection', hear)
  process.off('uncaughtException', hear)
  folder.remove()
})

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  for (let n = 0; n < flips; n++) {
    const at = Math.floor(random() * copy.length)
    copy[at]! ^= 1 << Math.floor(random() * 8)
    flipped += 1
  }
  return copy
}

function openThroughWire(mode: 'Sign' | 'SignAndEncrypt' | null): TestDevice {
  const { port } = wire.address() as AddressInfo
  const security = mode === null ? {} : { security: { policy: 'Basic256Sha256' as const, mode } }
  return openDevice({
    endpoint: `opc.tcp://127.0.0.1:${port}/line`,
    pkiDir: folder.at('client'),
    sensors: Object.keys(EXPECTED).map((name) => ({ name })),
    config: { mode: 'poll' },
    connection: { timeout: 500, ...security },
  })
}

/** What `use` gives, tried again while the machine is too busy for the short time limit: the wire is sound. */
async function inTime(use: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await use()
      return
    } catch (error) {
      if (!isTelemetryError(error, 'TIMEOUT')) throw error
    }
  }
}

/** Polls over a wire that is sound while it connects and damaged then; answers how many polls failed. */
async function pollDamaged(
  mode: 'Sign' | 'SignAndEncrypt' | null,
  onRead: (test: TestDevice) => void,
): Promise<number> {
  let failures = 0
  for (let round = 0; round < ROUNDS; round++) {
    flips = 0
    const test = openThroughWire(mode)
    await inTime(() => test.device.connect(NEVER))
    flips = 1 + (round % 3)
    try {
      await test.device.poll(0, test.sink, NEVER)
      onRead(test)
    } catch (error) {
      failures += 1
      expect(error).toMatchObject({ name: 'TelemetryError' })
    }
    await test.device.close()
  }
  flips = 0
  await new Promise((resolve) => setImmediate(resolve))
  expect(unheard).toEqual([])
  return failures
}

async function readsAgain(mode: 'Sign' | 'SignAndEncrypt' | null): Promise<void> {
  const test = openThroughWire(mode)
  await inTime(async () => {
    await test.device.connect(NEVER)
    await test.device.poll(0, test.sink, NEVER)
  })
  for (const [name, value] of Object.entries(EXPECTED))
    expect(test.sink.last(name)).toMatchObject({ value, status: 'Good' })
  await test.device.close()
}

describe('an OPC UA server behind a wire that flips bits', () => {
  it.each(['Sign', 'SignAndEncrypt'] as const)(
    'never has a wrong value read while messages are secured by %s',
    async (mode) => {
      const before = flipped
      const failures = await pollDamaged(mode, ({ sink }) => {
        for (const [name, value] of Object.entries(EXPECTED)) {
          for (const kept of sink.readings.get(name) ?? []) {
            if (kept.status === 'Good') expect(kept.value).toBe(value)
          }
        }
      })
      expect(flipped).toBeGreaterThan(before)
      expect(failures).toBeGreaterThan(0)
      await readsAgain(mode)
    },
  )

  it('is never thrown past the driver and never waited for in vain without security', async () => {
    await pollDamaged(null, () => {})
    await readsAgain(null)
  })
})
