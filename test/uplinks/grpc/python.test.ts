// The contract seen from another language: the examples of docs/examples/grpc, as they stand there.

import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ValueType } from '#domain/value.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import { modelOf } from '../model-journal.ts'
import { ALARM_ENTRY, EVENT_ENTRY } from '../../rpc/entries-fixture.ts'
import { ENTRY } from '#domain/reading.ts'
import { Status } from '#domain/quality.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { never, openUplink, startUplinks } from './bed.ts'
import { generatePython, hasPythonGrpc, PythonReceiver, startPython } from './python.ts'
import { ReceiverPeer } from './receiver-peer.ts'

describe.skipIf(!hasPythonGrpc)(
  'A program in Python (needs python3-grpcio, protobuf-compiler-grpc, libprotobuf-dev)',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-python-'))
    const code = join(folder, 'code')
    const cleanups: (() => Promise<unknown>)[] = []
    beforeAll(() => generatePython(code))
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    const linesOf = (file: string): Record<string, unknown>[] =>
      existsSync(file)
        ? readFileSync(file, 'utf8')
            .split('\n')
            .slice(0, -1)
            .map((line) => JSON.parse(line) as Record<string, unknown>)
        : []

    async function receiver(name: string): Promise<PythonReceiver> {
      const python = new PythonReceiver(code, join(folder, `${name}.jsonl`))
      cleanups.push(() => python.stop('SIGKILL'))
      await python.start()
      return python
    }

    it('receives values of every type from our uplink, bit by bit, and alarms and events', async () => {
      const python = await receiver('types')
      const types: ValueType[] = ['number', 'boolean', 'int64', 'uint64', 'string']
      const plain = modelOf(types.map((type) => `press-1.${type}`))
      const uplink = openUplink({ config: { url: `127.0.0.1:${python.port}` } })
      cleanups.push(() => uplink.connection.close())
      const sensors = plain.sensors.map((sensor, n) => ({ ...sensor, valueType: types[n]! }))
      uplink.model = { ...plain, sensors, sensorAt: (number) => sensors[number] }
      const batch = new MutableRecordBatch(3, 501, 8)
      batch.sensor.set([0, 1, ENTRY, 2, 3, 4, 0, ENTRY])
      batch.receivedAt.fill(1_795_000_000_000)
      batch.sourceTime.fill(Number.NaN).set([1_794_999_999_000], 1)
      batch.status[6] = Status.BadTimeout
      batch.value.set([21.25, 1])
      batch.bits.set([-(2n ** 63n), -1n], 3)
      batch.texts.set(5, 'größer').set(2, JSON.stringify(ALARM_ENTRY)).set(7, JSON.stringify(EVENT_ENTRY))
      batch.length = 8
      await uplink.connection.connect(never)
      const rows = Uint32Array.from({ length: 8 }, (_, row) => row)
      await uplink.connection.deliver({ lane: 'inOrder', historical: false, batch, rows, rowCount: 8 }, never)
      const text = readFileSync(python.file, 'utf8')
      expect(text).toContain('"v": -9223372036854775808}')
      expect(text).toContain('"v": 18446744073709551615}')
      const time = 1_795_000_000_000
      expect(linesOf(python.file)).toMatchObject([
        { id: 'edge-01/3/501', sensor: 'press-1.number', v: 21.25, time, status: 0 },
        { id: 'edge-01/3/502', sensor: 'press-1.boolean', v: true, time: 1_794_999_999_000 },
        { id: 'edge-01/3/503', alarm: 'Pressure 92 bar, limit 90 bar' },
        { id: 'edge-01/3/504', sensor: 'press-1.int64' },
        { id: 'edge-01/3/505', sensor: 'press-1.uint64' },
        { id: 'edge-01/3/506', sensor: 'press-1.string', v: 'größer' },
        { id: 'edge-01/3/507', sensor: 'press-1.number', v: null, status: Status.BadTimeout },
        { id: 'edge-01/3/508', event: 'ring-blocked' },
      ])
    })

    it('receives everything in order, once, though it is killed under load', { timeout: 120_000 }, async () => {
      const python = await receiver('killed')
      const run = startUplinks({ url: `127.0.0.1:${python.port}` })
      cleanups.push(() => run.stop())
      const appending = setInterval(() => run.append(20), 5)
      await vi.waitFor(() => expect(run.status().delivered).toBeGreaterThan(1000), EVENTUALLY)
      await python.stop('SIGKILL')
      await vi.waitFor(() => expect(run.status()).toMatchObject({ state: 'retrying' }), EVENTUALLY)
      const before = run.status().delivered
      await python.start()
      await vi.waitFor(() => expect(run.status().delivered).toBeGreaterThan(before + 1000), EVENTUALLY)
      clearInterval(appending)
      await vi.waitFor(() => expect(run.status().pending).toBe(0), EVENTUALLY)
      const { accepted, delivered } = run.status()
      expect(delivered).toBe(accepted)
      const ids = linesOf(python.file).map(({ id }) => id)
      expect(ids).toEqual(Array.from({ length: accepted }, (_, n) => `edge-01/1/${n + 1}`))
    })

    it('sends to our receiver, with a token, and is told what is durable', async () => {
      const peer = new ReceiverPeer({ token: 'secret' })
      await peer.start()
      cleanups.push(() => peer.close())
      const send = async (token: string): Promise<{ code: number | null; output: string }> => {
        const child = startPython('send.py', [peer.url, '1', '500', token], code)
        let output = ''
        child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text))
        const [exit] = (await once(child, 'close')) as [number | null]
        return { code: exit, output }
      }
      expect(await send('secret')).toEqual({ code: 0, output: 'acknowledged 500 of 500\n' })
      expect(await send('secret')).toEqual({ code: 0, output: 'acknowledged 500 of 500\n' }) // all repeats
      const lines = peer.lines('mill')
      expect(lines.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, n) => `mill/1/${n + 1}`))
      expect(lines[0]).toMatchObject({ sensor: 'mill-1.energy', v: '9223372036854775809', unit: 'Wh', q: 'good' })
      expect(lines[1]).toMatchObject({ sensor: 'mill-1.power', v: 0.2 })
    })
  },
)
