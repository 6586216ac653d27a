// The doors beside HTTP: gRPC as gateways use it, lines over TCP.

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { create, fromBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GrpcDoor } from '#central/ingest/grpc-door.ts'
import { LineDoor } from '#central/ingest/line-door.ts'
import type { Sender } from '#central/ingest/sender.ts'
import { TelemetryError } from '#domain/errors.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { RpcClient, rpcAddress } from '#rpc/client.ts'
import {
  BatchSchema,
  HelloSchema,
  IngestRequestSchema,
  SyncRequestSchema,
  type SyncRequest,
  type SyncResponse,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { ingestMethod, syncMethod } from '#rpc/ingest-service.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { makeTenant, numbers, openStorage, type Fixture } from '../storage/central-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-doors-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const DICTIONARY = {
  sensors: [{ number: 0, id: 'press-1.pressure', valueType: 1, machine: 'press-1', factory: 'plant' }],
}

describe.skipIf(!hasPostgres)('Central (needs postgresql)', () => {
  let peer: PostgresPeer
  let fixture: Fixture
  let tenant = 0
  let grpc: GrpcDoor
  let line: LineDoor
  const ports = { grpc: 0, line: 0 }
  const lineClock = new ManualClock()

  const revoked = new Set<string>()
  const authenticate = async (bearer: string | null): Promise<Sender> => {
    if (bearer !== null && revoked.has(bearer)) throw new TelemetryError('UNAUTHENTICATED', 'The key was revoked')
    if (bearer === 'any' || bearer === 'stolen') return { tenant, gateway: null }
    if (bearer === 'one') return { tenant, gateway: 'edge-1' }
    throw new TelemetryError('UNAUTHENTICATED', 'The key is missing or wrong')
  }
  const count = async (gateway: string): Promise<unknown> => {
    const [row] = await fixture.database.query(
      `SELECT count(*) FROM central.reading AS r JOIN central.sensor AS s ON s.number = r.sensor
       JOIN central.gateway AS g ON g.number = s.gateway WHERE g.id = $1`,
      [gateway],
    )
    return row!['count']
  }

  beforeAll(async () => {
    peer = await startPostgres({ fsync: 'off' })
    fixture = await openStorage({ url: peer.url, folder })
    tenant = await makeTenant(fixture, 'mine')
    const common = {
      host: '127.0.0.1',
      port: 0,
      tls: null,
      authenticate,
      ingest: fixture.storage.ingest,
      log: silentLogger,
    }
    grpc = new GrpcDoor({ ...common, clock: systemClock, version: 'test' })
    line = new LineDoor({ ...common, clock: lineClock })
    ports.grpc = await grpc.listen()
    ports.line = await line.listen()
  })
  afterAll(async () => {
    await grpc.stop(AbortSignal.abort())
    await line.stop(AbortSignal.abort())
    await fixture.close()
    await peer.stop()
  })

  describe('by gRPC', () => {
    const client = (token: string) =>
      new RpcClient({
        address: rpcAddress(`127.0.0.1:${ports.grpc}`, false),
        tls: null,
        token,
        keepaliveMs: 0,
        keepaliveTimeoutMs: 0,
      })
    const open = (token: string) => {
      const connection = client(token)
      const stream = connection.openStream(syncMethod)
      const answers: SyncResponse['message'][] = []
      stream.on('data', ({ message }: SyncResponse) => answers.push(message))
      const ended = new Promise<{ code?: number }>((resolve) => {
        stream.on('error', (error) => resolve(error as { code?: number }))
        stream.on('end', () => resolve({}))
      })
      const send = (message: SyncRequest['message']) => stream.write(create(SyncRequestSchema, { message }))
      return { answers, ended, send, stream, close: () => connection.close() }
    }
    const hello = (gateway: string) => ({
      case: 'hello' as const,
      value: {
        $typeName: 'telemetryx.v1.Hello' as const,
        gateway,
        factory: 'Plant',
        epoch: 1,
        version: '1.2.3',
        statuses: [],
        dictionary: create(IngestRequestSchema, { dictionary: DICTIONARY }).dictionary!,
      },
    })
    const batch = (gateway: string, firstSeq: number) => ({
      case: 'batch' as const,
      value: fromBinary(BatchSchema, numbers({ gateway, firstSeq, values: [1, 2, 3], at: Date.now() - 10_000 }).batch),
    })

    it('acknowledges what is durable, in order, and settles what is under way before it goes', async () => {
      const { answers, close, ended, send, stream } = open('any')
      send(hello('edge-1'))
      for (const firstSeq of [1, 4, 7, 4]) send(batch('edge-1', firstSeq))
      stream.end()
      await ended
      close()
      expect(answers.map(({ case: kind }) => kind)).toEqual([
        'welcome',
        ...Array.from({ length: 4 }, () => 'acknowledgement'),
      ])
      expect(answers.slice(1).map(({ value }) => (value as { position?: { seq: bigint } }).position?.seq)).toEqual([
        3n,
        6n,
        9n,
        6n,
      ])
      expect(await count('edge-1')).toBe(9)
      expect(await fixture.storage.gateways.get(tenant, 'edge-1')).toMatchObject({
        version: '1.2.3',
        epoch: 1,
        sensors: 1,
      })
    })

    it('takes one batch in a call', async () => {
      const connection = client('any')
      const request = create(IngestRequestSchema, {
        gateway: 'edge-2',
        factory: 'Plant 2',
        dictionary: DICTIONARY,
        batch: batch('edge-2', 1).value,
      })
      expect(await connection.call(ingestMethod, request, 10_000)).toMatchObject({
        accepted: 3,
        repeatedRecords: 0,
      })
      expect(await connection.call(ingestMethod, request, 10_000)).toMatchObject({
        accepted: 0,
        repeatedRecords: 3,
      })
      connection.close()
      expect(await fixture.storage.gateways.get(tenant, 'edge-2')).toMatchObject({ factory: 'Plant 2' })
    })

    it('reads a call only when it knows who sends it', async () => {
      const garbage = { ...ingestMethod, requestSerialize: () => Buffer.from([0xff]) }
      const request = create(IngestRequestSchema, {})
      for (const [key, code] of [
        ['wrong', 16], // UNAUTHENTICATED
        ['any', 3], // INVALID_ARGUMENT
      ] as const) {
        const connection = client(key)
        await expect(connection.call(garbage, request, 10_000)).rejects.toMatchObject({ code })
        connection.close()
      }
    })

    it('refuses a wrong key, and a gateway that is not the key’s', async () => {
      const wrong = open('wrong')
      expect(await wrong.ended).toMatchObject({ code: 16 }) // UNAUTHENTICATED
      wrong.close()
      const other = open('one')
      other.send(hello('edge-3'))
      expect(await other.ended).toMatchObject({ code: 7 }) // PERMISSION_DENIED
      other.close()
      expect(await fixture.storage.gateways.get(tenant, 'edge-3')).toBeNull()
    })
  })

  it('takes nothing more by a stream or connection whose key was revoked meanwhile', async () => {
    const connection = new RpcClient({
      address: rpcAddress(`127.0.0.1:${ports.grpc}`, false),
      tls: null,
      token: 'stolen',
      keepaliveMs: 0,
      keepaliveTimeoutMs: 0,
    })
    const stream = connection.openStream(syncMethod)
    const ended = new Promise<{ code?: number }>((resolve) => stream.once('error', resolve))
    const send = (message: SyncRequest['message']) => stream.write(create(SyncRequestSchema, { message }))
    const batch = (firstSeq: number) => {
      const { batch: bytes } = numbers({ gateway: 'edge-9', firstSeq, values: [1], at: Date.now() - 10_000 })
      return { case: 'batch' as const, value: fromBinary(BatchSchema, bytes) }
    }
    send({ case: 'hello', value: create(HelloSchema, { gateway: 'edge-9', epoch: 1, dictionary: DICTIONARY }) })
    send(batch(1))
    const kinds: unknown[] = []
    stream.on('data', ({ message }: SyncResponse) => kinds.push(message.case))
    await expect.poll(() => kinds, EVENTUALLY).toEqual(['welcome', 'acknowledgement'])
    const socket = connect(ports.line, '127.0.0.1')
    const lines: string[] = []
    createInterface({ input: socket }).on('line', (text) => lines.push(text))
    socket.write('AUTH stolen mes9\njobs 1\n\n')
    await expect.poll(() => lines, EVENTUALLY).toEqual(['OK 0 0', 'OK 1 0'])
    revoked.add('stolen')
    send(batch(2))
    expect(await ended).toMatchObject({ code: 16 }) // UNAUTHENTICATED
    socket.write('jobs 2\n\n')
    await expect.poll(() => lines, EVENTUALLY).toContain('ERROR line 5: The key was revoked')
    socket.destroy()
    connection.close()
    expect([await count('edge-9'), await count('mes9')]).toEqual([1, 1])
  })

  describe('by lines', () => {
    it('ends a connection that shows no key in time, however it trickles in', async () => {
      const before = lineClock.pending
      const socket = connect(ports.line, '127.0.0.1')
      const closed = once(socket, 'close')
      await expect.poll(() => lineClock.pending, EVENTUALLY).toBe(before + 1)
      for (const letter of 'AUTH any') {
        socket.write(letter)
        await lineClock.advance(1000)
      }
      expect(socket.readyState).toBe('open')
      await lineClock.advance(2000)
      await closed
    })

    const talk = async (text: string, answers: number): Promise<string[]> => {
      const socket: Socket = connect(ports.line, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(text)
      const lines: string[] = []
      for await (const answer of createInterface({ input: socket })) {
        lines.push(answer)
        if (lines.length === answers) break
      }
      socket.destroy()
      return lines
    }

    it('keeps what stands before an empty line, once', async () => {
      const now = Date.now()
      const text = `AUTH any mes\njobs 5 ${now}\noven-1.on true\r\noven-1.note "two words \\" ä"\n\njobs 5 ${now}\njobs 6\n\n`
      expect(await talk(text, 3)).toEqual(['OK 0 0', 'OK 3 0', 'OK 1 1'])
      expect(await count('mes')).toBe(4)
      const { reading } = await fixture.storage.readings.latestOf(tenant, 'oven-1.note')
      expect(reading?.value).toBe('two words " ä')
    })

    it('says what is wrong, and keeps nothing of it', async () => {
      expect(await talk('AUTH wrong mes2\n', 1)).toEqual(['ERROR line 1: The key is missing or wrong'])
      expect(await talk('AUTH one mes2\n', 1)).toEqual(['ERROR line 1: The key is that of another sender'])
      expect(await talk('jobs 5\n', 1)).toEqual(['ERROR line 1: The first line must be: AUTH <key> <source>'])
      expect(await talk('AUTH any mes2\njobs 5\njobs NaN\n\n', 2)).toEqual([
        'OK 0 0',
        'ERROR line 3: A value must be a number, true, false, or a text in double quotes',
      ])
      expect(await talk('AUTH any mes2\njobs 5 yesterday\n', 2)).toMatchObject({
        1: expect.stringContaining('A time must be'),
      })
      expect(await talk('AUTH any mes2\njobs 5 1000\n\n', 2)).toMatchObject({
        1: expect.stringContaining('older than what central keeps'),
      })
      expect(await talk(`AUTH any mes2\n${'x'.repeat(20_000)}`, 2)).toMatchObject({
        1: 'ERROR A line has at most 8192 bytes',
      })
      expect(await count('mes2')).toBe(0)
    })

    it('answers after every thousand readings', async () => {
      const lines = Array.from({ length: 2500 }, (_, index) => `n ${index} ${Date.now() - 10_000 + index}`).join('\n')
      expect(await talk(`AUTH any bulk\n${lines}\n\n`, 4)).toEqual(['OK 0 0', 'OK 1000 0', 'OK 1000 0', 'OK 500 0'])
    })
  })
})
