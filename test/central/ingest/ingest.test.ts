import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TakenBatch } from '#central/ingest-ports.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import {
  dictionary,
  envelope,
  makeTenant,
  numbers,
  openStorage,
  DAY_MS,
  type Fixture,
} from '../storage/central-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-ingest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const NOW = Date.now()

describe.each(['postgresql', 'pglite'] as const)('Ingest on %s', (kind) => {
  describe.skipIf(kind === 'postgresql' && !hasPostgres)(
    kind === 'pglite' ? 'in a folder' : 'on a server (needs postgresql)',
    () => {
      let peer: PostgresPeer | null = null
      let fixture: Fixture
      let made = 0
      const tenant = () => makeTenant(fixture, `t${(made += 1)}`)
      const rows = (number: number) =>
        fixture.database.query('SELECT seq, epoch, value FROM central.reading WHERE tenant = $1 ORDER BY epoch, seq', [
          number,
        ])

      beforeAll(async () => {
        peer = kind === 'postgresql' ? await startPostgres({ fsync: 'off' }) : null
        fixture = await openStorage({ url: peer?.url ?? null, folder })
      }, 180_000)
      afterAll(async () => {
        await fixture.close()
        await peer?.stop()
      })

      it('keeps each record once, however often and in whatever order batches come', async () => {
        const t = await tenant()
        const { ingest } = fixture.storage
        const batches = [1, 4, 7].map((firstSeq) =>
          numbers({ firstSeq, values: [firstSeq, 0, 0], at: NOW - 60_000 + firstSeq * 1000 }),
        )
        expect(await ingest.take(t, batches[2]!)).toEqual({ accepted: 3, repeated: 0, refused: [] })
        const all = await Promise.all(
          [batches[0]!, batches[1]!, batches[2]!, batches[0]!].map((each) => ingest.take(t, each)),
        )
        expect(all.map(({ accepted, repeated }) => [accepted, repeated])).toEqual([
          [3, 0],
          [3, 0],
          [0, 3],
          [0, 3],
        ])
        expect((await rows(t)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
        expect(
          await fixture.database.query('SELECT ranges::text AS r FROM central.position WHERE tenant = $1', [t]),
        ).toEqual([{ r: '{[1,10)}' }])
        const [latest] = await fixture.database.query('SELECT seq, value FROM central.latest WHERE tenant = $1', [t])
        expect(latest).toEqual({ seq: 9, value: 0 })
      })

      it('takes what fills a gap, and another epoch, as new', async () => {
        const t = await tenant()
        const { ingest } = fixture.storage
        await ingest.take(t, numbers({ firstSeq: 10, values: [1], at: NOW }))
        await ingest.take(t, numbers({ firstSeq: 1, values: [2, 3], at: NOW }))
        await ingest.take(t, numbers({ firstSeq: 1, epoch: 2, values: [4], at: NOW }))
        const overlapping = await ingest.take(
          t,
          numbers({ firstSeq: 2, values: Array.from({ length: 10 }, () => 5), at: NOW }),
        )
        expect(overlapping).toMatchObject({ accepted: 8, repeated: 2 })
        expect((await rows(t)).map(({ epoch, seq }) => `${String(epoch)}/${String(seq)}`)).toEqual([
          '1/1',
          '1/2',
          '1/3',
          '1/4',
          '1/5',
          '1/6',
          '1/7',
          '1/8',
          '1/9',
          '1/10',
          '1/11',
          '2/1',
        ])
      })

      it('keeps every kind of value exactly', async () => {
        const t = await tenant()
        const sensors = dictionary(
          { number: 3, id: 'm.number' },
          { number: 4, id: 'm.boolean', valueType: 2 },
          { number: 5, id: 'm.int64', valueType: 3 },
          { number: 6, id: 'm.uint64', valueType: 4 },
          { number: 7, id: 'm.text', valueType: 5 },
        )
        const taken = await fixture.storage.ingest.take(
          t,
          envelope('edge-1', sensors, {
            epoch: 1,
            lastSeq: 6n,
            blocks: [
              {
                firstSeq: 1n,
                sensors: [3, 4, 5, 6, 7, 3],
                statuses: [0, 0, 0, 0x40900000, 0, 0x80050000],
                receivedAtMs: BigInt(NOW),
                numbers: [-0.1],
                booleans: [true],
                integers: [-(2n ** 62n) - 1n],
                unsignedIntegers: [2n ** 64n - 1n],
                texts: ['ä\0\ud800'],
              },
            ],
          }),
        )
        expect(taken).toEqual({ accepted: 6, repeated: 0, refused: [] })
        expect(
          await fixture.database.query(
            'SELECT value, bits, text, status FROM central.reading WHERE tenant = $1 ORDER BY seq',
            [t],
          ),
        ).toEqual([
          { value: -0.1, bits: null, text: null, status: 0 },
          { value: 1, bits: null, text: null, status: 0 },
          { value: -(2 ** 62), bits: -(2n ** 62n) - 1n, text: null, status: 0 },
          { value: 2 ** 64, bits: -1, text: null, status: 0x40900000 },
          { value: null, bits: null, text: 'ä\ufffd\ufffd', status: 0 },
          { value: null, bits: null, text: null, status: 0x80050000 | 0 },
        ])
      })

      it('refuses record by record what can never be taken, and leaves it open', async () => {
        const t = await tenant()
        const { ingest } = fixture.storage
        const old = numbers({ firstSeq: 1, values: [1], at: NOW - 31 * DAY_MS })
        const future = numbers({ firstSeq: 2, values: [1], at: NOW + 2 * DAY_MS })
        const infinite = numbers({ firstSeq: 3, values: [Number.POSITIVE_INFINITY, 2], at: NOW })
        const reasons = (await Promise.all([old, future, infinite].map((each) => ingest.take(t, each)))).map(
          ({ refused }) => refused,
        )
        expect(reasons).toEqual([
          [{ seq: 1, reason: 'It is older than what central keeps' }],
          [{ seq: 2, reason: 'Its time lies more than a day ahead' }],
          [{ seq: 3, reason: 'The value is not a finite number' }],
        ])
        expect(await ingest.take(t, numbers({ firstSeq: 1, values: [7, 8, 9], at: NOW }))).toMatchObject({
          accepted: 3,
          repeated: 0,
        })
      })

      it('refuses positions that no gateway can have', async () => {
        const t = await tenant()
        const { ingest } = fixture.storage
        await expect(ingest.take(t, numbers({ firstSeq: 1, epoch: 0, values: [1], at: NOW }))).rejects.toMatchObject({
          code: 'PROTOCOL',
        })
        const far = numbers({ firstSeq: 1, epoch: 4_294_967_295, values: [1], at: NOW })
        await expect(ingest.take(t, far)).rejects.toMatchObject({ code: 'PROTOCOL', retryable: false })
        await expect(
          ingest.take(t, numbers({ gateway: '../x', firstSeq: 1, values: [1], at: NOW })),
        ).rejects.toMatchObject({ code: 'PROTOCOL' })
        // A forged position harms the gateway itself, and no other.
        await ingest.take(t, envelope('edge-1', dictionary(), { epoch: 1, firstSeq: 1n, lastSeq: 2n ** 53n - 1n }))
        expect(await ingest.take(t, numbers({ firstSeq: 5, values: [1], at: NOW }))).toMatchObject({
          accepted: 0,
          repeated: 1,
        })
        expect(await ingest.take(t, numbers({ gateway: 'edge-2', firstSeq: 5, values: [1], at: NOW }))).toMatchObject({
          accepted: 1,
        })
      })

      it('keeps alarms and events, and an alarm as it is after its last transition', async () => {
        const t = await tenant()
        const alarm = {
          id: '1-1',
          sensor: 'press-1.pressure',
          check: 'high',
          checkType: 'threshold',
          level: 'high',
          severity: 3,
          message: 'High\0',
        }
        const time = { seconds: BigInt(Math.floor(NOW / 1000)), nanos: 0 }
        const raised = { seq: 1n, transition: { change: 1, time, alarm: { ...alarm, active: true, raisedAt: time } } }
        const cleared = {
          seq: 3n,
          transition: { change: 3, time, alarm: { ...alarm, acknowledged: true, raisedAt: time, clearedAt: time } },
        }
        const event = {
          seq: 2n,
          event: { type: 'note', message: 'Hello', source: 'gateway', time, data: { a: '\ud800\0' } },
        }
        const { ingest } = fixture.storage
        await ingest.take(
          t,
          envelope('edge-1', dictionary(), { epoch: 1, lastSeq: 3n, alarms: [cleared], events: [event] }),
        )
        await ingest.take(t, envelope('edge-1', dictionary(), { epoch: 1, lastSeq: 1n, alarms: [raised] }))
        expect(
          await fixture.database.query(
            "SELECT seq, kind, entry->>'message' AS m FROM central.entry WHERE tenant = $1 ORDER BY seq",
            [t],
          ),
        ).toEqual([
          { seq: 1, kind: 'alarm', m: null },
          { seq: 2, kind: 'event', m: 'Hello' },
          { seq: 3, kind: 'alarm', m: null },
        ])
        expect(
          await fixture.database.query('SELECT id, is_open, seq FROM central.alarm WHERE tenant = $1', [t]),
        ).toEqual([{ id: '1-1', is_open: false, seq: 3 }])
      })

      it('tells of what is durable, once', async () => {
        const t = await tenant()
        const { ingest } = fixture.storage
        const told: TakenBatch[] = []
        const stop = ingest.subscribe((taken) => told.push(taken))
        const endFailing = ingest.subscribe(() => {
          throw new Error('no')
        })
        await ingest.take(t, numbers({ firstSeq: 1, values: [1, 2], at: NOW }))
        await ingest.take(t, numbers({ firstSeq: 2, values: [2, 3], at: NOW }))
        stop()
        endFailing()
        expect(
          told.map(({ batch, gateway, rows: fresh, sensorOf }) => [
            gateway,
            fresh.map((row) => batch.seq[row]),
            sensorOf(0)?.id,
          ]),
        ).toEqual([
          ['edge-1', [1, 2], 'press-1.pressure'],
          ['edge-1', [3], 'press-1.pressure'],
        ])
      })

      // PGlite has one connection, which nobody could hold.
      if (kind === 'postgresql')
        it('takes what others send while a program waits with all that it has', async () => {
          const [busy, other] = [await tenant(), await tenant()]
          const { ingest } = fixture.storage
          const program = (value: number) => ({
            source: 'mes',
            readings: [{ sensor: 'jobs', value, time: NOW + value }],
            events: [],
          })
          await ingest.takeProgram(busy, program(0))
          const holder = new Client({ connectionString: peer!.url })
          await holder.connect()
          const query = 'SELECT pg_advisory_lock(32289, number) FROM central.gateway WHERE tenant = $1'
          await holder.query(query, [busy])
          // More than there are connections to the database; sent again, as programs do, where the lock is held for too long.
          const send = (value: number): Promise<unknown> =>
            ingest.takeProgram(busy, program(value)).catch((cause: unknown) => {
              if (isTelemetryError(cause) && cause.retryable) return send(value)
              throw cause
            })
          const waiting = Array.from({ length: 15 }, (_, index) => send(index + 1))
          expect(await ingest.take(other, numbers({ firstSeq: 1, values: [1], at: NOW }))).toMatchObject({
            accepted: 1,
          })
          expect(await ingest.takeProgram(other, program(1))).toMatchObject({ accepted: 1 })
          await holder.end()
          for (const each of await Promise.all(waiting)) expect(each).toMatchObject({ accepted: 1 })
        })

      it('takes programs: all or none, and what has a time once', async () => {
        const t = await tenant()
        const { ingest } = fixture.storage
        const reading = (sensor: string, value: number | string | boolean, time: number | null) => ({
          sensor,
          value,
          time,
        })
        const program = (...readings: ReturnType<typeof reading>[]) => ({ source: 'mes', readings, events: [] })
        const good = program(
          reading('jobs', 1, NOW),
          reading('oven.on', true, NOW),
          reading('jobs', 2, NOW),
          reading('note', 'ä', null),
        )
        expect(await ingest.takeProgram(t, good)).toEqual({ accepted: 3, repeated: 1, refused: [] })
        expect(await ingest.takeProgram(t, good)).toEqual({ accepted: 1, repeated: 3, refused: [] })
        await expect(
          ingest.takeProgram(t, program(reading('jobs', 3, NOW + 1), reading('jobs', 'x', NOW))),
        ).rejects.toMatchObject({
          code: 'OUT_OF_RANGE',
        })
        await expect(ingest.takeProgram(t, program(reading('jobs', 'text', NOW + 5)))).rejects.toThrow(
          'mes.jobs takes a number, not a string',
        )
        await expect(ingest.takeProgram(t, program(reading('../x', 1, NOW)))).rejects.toThrow('has no valid id')
        await expect(
          ingest.take(t, numbers({ gateway: 'mes', firstSeq: 1, values: [1], at: NOW })),
        ).rejects.toMatchObject({ code: 'CONFLICT' })
        expect(
          await fixture.database.query('SELECT id FROM central.sensor WHERE tenant = $1 ORDER BY id COLLATE "C"', [t]),
        ).toEqual([{ id: 'mes.jobs' }, { id: 'mes.note' }, { id: 'oven.on' }])
      })
    },
  )
})
