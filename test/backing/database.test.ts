import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openDatabase, type Database } from '#backing/database.ts'
import { migrate } from '#backing/migrate.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger, silentLogger } from '#kit/logger.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-database-'))
const said: string[] = []
const log = createLogger({ destination: { write: (line: string) => void said.push(line) } })
let peer: PostgresPeer

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const kinds = ['postgresql', 'pglite'] as const

describe.each(kinds)('A database of kind %s', (kind) => {
  const isPresent = kind === 'pglite' || hasPostgres
  let database: Database

  describe.skipIf(!isPresent)(kind === 'pglite' ? 'in a folder' : 'on a server (needs postgresql)', () => {
    beforeAll(async () => {
      if (kind === 'postgresql') peer = await startPostgres()
      const url = kind === 'postgresql' ? peer.url : null
      database = await openDatabase({ url, folder, clock: systemClock, log })
    }, 180_000)
    afterAll(() => database.close())

    it('gives values in the same form', async () => {
      const [row] = await database.query(
        `SELECT $1::int8 AS small, $2::int8 AS large, $3::timestamptz AS time, $4::text AS text, $5::bool AS bool, $6::float8 AS number,
         $7::jsonb AS json, $8::text[] AS texts, $9::int8[] AS numbers, null::text AS nothing, $10::bytea AS bytes, 1.50::numeric AS numeric,
         array['2026-11-20 12:00:00+00'::timestamptz] AS times`,
        [
          5,
          2n ** 53n + 1n,
          '2026-11-20T12:00:00.123+02:00',
          'ä"\\{',
          true,
          -0.1,
          '{"a":[1]}',
          ['a"b\\', null, 'NULL', ''],
          [1, 2n ** 60n],
          new Uint8Array([0, 255]),
        ],
      )
      expect(row).toEqual({
        small: 5,
        large: 9007199254740993n,
        time: Date.UTC(2026, 10, 20, 10, 0, 0, 123),
        text: 'ä"\\{',
        bool: true,
        number: -0.1,
        json: { a: [1] },
        texts: ['a"b\\', null, 'NULL', ''],
        numbers: [1, 1152921504606846976n],
        nothing: null,
        bytes: expect.anything(),
        numeric: '1.50',
        times: [Date.UTC(2026, 10, 20, 12)],
      })
      expect([...(row!['bytes'] as Uint8Array)]).toEqual([0, 255])
    })

    it('takes arrays in binary form', async () => {
      const bytes = Buffer.from('00000001000000000000001700000002000000010000000400000007000000040000002a', 'hex')
      expect(await database.query('SELECT * FROM unnest($1::int4[]) AS n', [bytes])).toEqual([{ n: 7 }, { n: 42 }])
    })

    it('keeps all of a transaction or nothing', async () => {
      await database.query('CREATE TABLE kept (n int PRIMARY KEY)')
      const broken = database.transaction(async (queryable) => {
        await queryable.query('INSERT INTO kept VALUES (1)')
        await queryable.query('INSERT INTO kept VALUES (1)')
      })
      await expect(broken).rejects.toMatchObject({ code: 'CONFLICT', retryable: false })
      const thrown = database.transaction(async (queryable) => {
        await queryable.query('INSERT INTO kept VALUES (2)')
        throw new Error('no')
      })
      await expect(thrown).rejects.toThrow('no')
      expect(await database.query('SELECT * FROM kept')).toEqual([])
      const sum = await database.transaction(async (queryable) => {
        await queryable.query('INSERT INTO kept VALUES (3)')
        return queryable.query('SELECT n FROM kept')
      })
      expect(sum).toEqual([{ n: 3 }])
    })

    it('does with BEGIN what the transaction wants, and forgets it with its end', async () => {
      const prologue = `SELECT set_config('telemetryx.test', 'x', true)`
      const read = (queryable: Pick<Database, 'query'>) =>
        queryable.query(`SELECT current_setting('telemetryx.test', true) AS word`)
      expect(await database.transaction(read, { prologue })).toEqual([{ word: 'x' }])
      expect(await read(database)).not.toEqual([{ word: 'x' }])
      const writes = database.transaction((queryable) => queryable.query('CREATE TABLE never (n int)'), {
        isReadOnly: true,
      })
      await expect(writes).rejects.toMatchObject({ code: 'INTERNAL', context: { sqlState: '25006' } })
    })

    it('serves many at once', async () => {
      await database.query('CREATE TABLE counter AS SELECT 0 AS n')
      const add = () => database.transaction((queryable) => queryable.query('UPDATE counter SET n = n + 1'))
      await Promise.all(Array.from({ length: 50 }, add))
      expect(await database.query('SELECT n FROM counter')).toEqual([{ n: 50 }])
    })

    it('runs each migration once, whoever starts at the same moment', async () => {
      const first = { id: 1, name: 'first', sql: 'CREATE TABLE a (n int); INSERT INTO a VALUES (1)' }
      const second = { id: 2, name: 'second', sql: 'INSERT INTO a SELECT 2' }
      await Promise.all([migrate(database, 'mine', [first]), migrate(database, 'mine', [first])])
      await migrate(database, 'mine', [first, second])
      expect(await database.query('SELECT n FROM mine.a ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }])
      await expect(migrate(database, 'mine', [first])).rejects.toMatchObject({ code: 'CONFLICT' })
      const other = { id: 2, name: 'other', sql: 'SELECT 1' }
      await expect(migrate(database, 'mine', [first, other])).rejects.toMatchObject({ code: 'CONFLICT' })
    })

    it('leaves nothing of a migration that fails', async () => {
      const wrong = { id: 1, name: 'wrong', sql: 'CREATE TABLE half (n int); SELECT 1 / 0' }
      await expect(migrate(database, 'broken', [wrong])).rejects.toThrow(/division/)
      expect(await database.query(`SELECT to_regclass('broken.half') AS half`)).toEqual([{ half: null }])
    })
  })
})

describe('PGlite', () => {
  it('says that it is for trying out', () => {
    expect(said.filter((line) => line.includes('never forces data to the disk'))).toHaveLength(1)
  })

  it('is not opened twice, not even by another process, and lets go of the folder when its process is killed', async () => {
    const mine = join(folder, 'locked')
    const module = new URL('../../src/backing/folder-lock.ts', import.meta.url).href
    const code = `const { lockDatabaseFolder } = await import(${JSON.stringify(module)}); lockDatabaseFolder(${JSON.stringify(mine)}); console.log('held'); setInterval(() => {}, 1000)`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    const open = () => openDatabase({ url: null, folder: mine, clock: systemClock, log: silentLogger })
    await expect(open()).rejects.toMatchObject({ code: 'STORE_LOCKED', context: { pid: holder.pid } })
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    const database = await open()
    await expect(open()).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    const inner = database.transaction(async () => database.query('SELECT 1'))
    await expect(inner).rejects.toMatchObject({ code: 'INTERNAL' })
    await database.close()
    await expect(database.query('SELECT 1')).rejects.toMatchObject({ code: 'ABORTED' })
  }, 120_000)
})

describe.skipIf(!hasPostgres)('A server that goes away (needs postgresql)', () => {
  afterAll(() => peer.stop())

  it('is missed, spared, and used again when it is back', async () => {
    const database = await openDatabase({ url: peer.url, folder, clock: systemClock, log })
    await database.query('SELECT 1')
    const held = database.transaction((queryable) => queryable.query('SELECT pg_sleep(60)'))
    held.catch(() => {})
    await peer.kill()
    await expect(held).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true })
    await vi.waitFor(async () => {
      await expect(database.query('SELECT 1')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true })
    }, EVENTUALLY)
    expect(database.isUp).toBe(false)
    await peer.restart()
    await vi.waitFor(async () => expect(await database.query('SELECT 1 AS n')).toEqual([{ n: 1 }]), EVENTUALLY)
    expect(database.isUp).toBe(true)
    await database.close()
  })

  it('is not asked for longer than a statement may take', async () => {
    const database = await openDatabase({ url: peer.url, folder, clock: systemClock, log, statementTimeoutMs: 100 })
    await expect(database.query('SELECT pg_sleep(30)')).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(database.isUp).toBe(true)
    await database.close()
  })
})
