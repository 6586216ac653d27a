import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '#backing/database.ts'
import { MIGRATIONS, TENANT_TABLES } from '#central/storage/schema.ts'
import { CentralStorage } from '#central/storage/open-storage.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { makeTenant, numbers, openStorage, RETENTION, type Fixture } from './central-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-isolation-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const PAGE = { limit: 100, cursor: null }

describe.each(['postgresql', 'pglite'] as const)('Tenants on %s', (kind) => {
  describe.skipIf(kind === 'postgresql' && !hasPostgres)(
    kind === 'pglite' ? 'in a folder' : 'on a server (needs postgresql)',
    () => {
      let peer: PostgresPeer | null = null
      let fixture: Fixture
      let mine = 0
      let other = 0

      beforeAll(async () => {
        peer = kind === 'postgresql' ? await startPostgres({ fsync: 'off' }) : null
        fixture = await openStorage({ url: peer?.url ?? null, folder })
        mine = await makeTenant(fixture, 'mine')
        other = await makeTenant(fixture, 'other')
        await fixture.storage.ingest.take(mine, numbers({ firstSeq: 1, values: [1, 2, 3], at: Date.now() - 10_000 }))
        await fixture.storage.ingest.take(other, numbers({ firstSeq: 1, values: [4], at: Date.now() - 10_000 }))
      }, 180_000)
      afterAll(async () => {
        await fixture.close()
        await peer?.stop()
      })

      /** A statement that somebody forgot to restrict. */
      const careless = (tenant: number) =>
        fixture.storage.database.read(tenant, (queryable) => queryable.query('SELECT count(*) FROM central.reading'))

      it('see no row of each other, even when a statement forgets to ask whose it is', async () => {
        expect(await careless(mine)).toEqual([{ count: 3 }])
        expect(await careless(other)).toEqual([{ count: 1 }])
      })

      it('would see each other if row-level security were off: it is what protects them', async () => {
        await fixture.database.query('ALTER TABLE central.reading DISABLE ROW LEVEL SECURITY')
        expect(await careless(other)).toEqual([{ count: 4 }])
        await fixture.database.query('ALTER TABLE central.reading ENABLE ROW LEVEL SECURITY')
        expect(await careless(other)).toEqual([{ count: 1 }])
      })

      it('see nothing without a tenant, and cannot write for another', async () => {
        const nobody = await fixture.storage.database.platform((queryable) =>
          queryable.query('SELECT count(*) FROM central.reading'),
        )
        expect(nobody).toEqual([{ count: 0 }])
        const forged = fixture.storage.database.write(mine, (queryable) =>
          queryable.query(`INSERT INTO central.document (tenant, kind, id, body) VALUES ($1, 'x', 'x', '{}')`, [other]),
        )
        await expect(forged).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
        const taken = fixture.storage.database.write(mine, (queryable) =>
          queryable.query('UPDATE central.sensor SET tenant = $1 RETURNING id', [other]),
        )
        await expect(taken).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
        for (const tenant of [-1, 1.5, Number.NaN])
          expect(() => fixture.storage.database.read(tenant, () => Promise.resolve())).toThrow('without a tenant')
      })

      it('cannot reach partitions beside their table, nor the list of migrations', async () => {
        const [partition] = await fixture.database.query<{ name: string }>(
          `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'central.reading'::regclass LIMIT 1`,
        )
        for (const table of [partition!.name, 'central.migration'])
          await expect(
            fixture.storage.database.read(mine, (queryable) => queryable.query(`SELECT count(*) FROM ${table}`)),
          ).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
      })

      it('have the policy on every table with rows of theirs', async () => {
        const bare = await fixture.database.query<{ name: string }>(
          `SELECT c.relname AS name FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant'
         WHERE c.relnamespace = 'central'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
        )
        expect(bare).toEqual([])
        expect(TENANT_TABLES.length).toBe(18)
        expect(MIGRATIONS.map(({ id }) => id)).toEqual(MIGRATIONS.map((_, index) => index + 1))
      })

      it('are found by the one key that has the hash, while it is valid', async () => {
        const { tenancy } = fixture.storage
        const hash = new Uint8Array(32).fill(7)
        const key = {
          id: 'k1',
          name: 'Edge',
          scopes: ['ingest'],
          gateway: 'edge-1',
          createdBy: 'me',
          expiresAt: null,
          hash,
        }
        await tenancy.addKey(mine, key)
        await expect(tenancy.addKey(other, { ...key, id: 'k2' })).rejects.toMatchObject({ code: 'CONFLICT' })
        expect(await tenancy.findKey(hash)).toMatchObject({
          tenant: { number: mine, id: 'mine' },
          key: { id: 'k1', gateway: 'edge-1' },
        })
        expect(await tenancy.findKey(new Uint8Array(32).fill(8))).toBeNull()
        expect((await tenancy.keys(other, PAGE)).items).toEqual([])
        await expect(tenancy.revokeKey(other, 'k1')).rejects.toMatchObject({ code: 'NOT_FOUND' })
        await tenancy.update('mine', { isActive: false }, null)
        expect(await tenancy.findKey(hash)).toBeNull()
        await expect(
          fixture.storage.ingest.take(mine, numbers({ firstSeq: 9, values: [1], at: Date.now() })),
        ).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
        await tenancy.update('mine', { isActive: true }, null)
        expect(await tenancy.findKey(hash)).not.toBeNull()
        await tenancy.revokeKey(mine, 'k1')
        expect(await tenancy.findKey(hash)).toBeNull()
        const expired = { ...key, id: 'k3', hash: new Uint8Array(32).fill(9), expiresAt: Date.now() - 1 }
        await tenancy.addKey(mine, expired)
        expect(await tenancy.findKey(expired.hash)).toBeNull()
      })

      it('keep audit and documents apart, by pages and revisions', async () => {
        const { tenancy } = fixture.storage
        for (let time = 1; time <= 5; time++)
          await tenancy.appendAudit(mine, {
            time,
            by: 'a\0',
            from: 'x',
            action: 'y',
            outcome: '200',
            details: { a: '\ud800' },
          })
        const range = { from: 0, to: 10, limit: 2 }
        const first = await tenancy.audit(mine, { ...range, cursor: null })
        const second = await tenancy.audit(mine, { ...range, cursor: first.next })
        expect([...first.items, ...second.items].map(({ time }) => time)).toEqual([5, 4, 3, 2])
        expect((await tenancy.audit(other, { ...range, cursor: null })).items).toEqual([])
        await expect(tenancy.audit(mine, { ...range, cursor: 'WzFd' })).rejects.toThrow('cursor')
        const document = { id: 'd', body: { a: 1 } }
        expect(await tenancy.putDocument(mine, 'user', document, 0)).toMatchObject({ revision: 1 })
        await expect(tenancy.putDocument(mine, 'user', document, 0)).rejects.toMatchObject({ code: 'STALE' })
        expect(await tenancy.putDocument(mine, 'user', document, 1)).toMatchObject({ revision: 2 })
        await expect(tenancy.putDocument(mine, 'user', document, 1)).rejects.toMatchObject({ code: 'STALE' })
        expect(await tenancy.document(other, 'user', 'd')).toBeNull()
        expect(await tenancy.removeDocument(other, 'user', 'd')).toBe(false)
        expect(await tenancy.removeDocument(mine, 'user', 'd')).toBe(true)
      })

      it('are listed, made and renamed by the platform only', async () => {
        const { tenancy } = fixture.storage
        expect((await tenancy.list(PAGE)).items.map(({ id }) => id)).toEqual(['mine', 'other'])
        await expect(tenancy.create({ id: 'mine', name: 'x' })).rejects.toMatchObject({ code: 'CONFLICT' })
        await expect(tenancy.create({ id: '../x', name: 'x' })).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
        const { revision } = (await tenancy.get('other'))!
        expect(await tenancy.update('other', { name: 'Other' }, revision)).toMatchObject({
          name: 'Other',
          revision: revision + 1,
        })
        await expect(tenancy.update('other', { name: 'Late' }, revision)).rejects.toMatchObject({ code: 'STALE' })
        await expect(tenancy.update('none', { name: 'x' }, null)).rejects.toMatchObject({ code: 'NOT_FOUND' })
        const seen = await fixture.storage.database.read(mine, (queryable) =>
          queryable.query('SELECT id FROM central.tenant'),
        )
        expect(seen).toEqual([{ id: 'mine' }])
      })
    },
  )
})

describe.skipIf(!hasPostgres)('A database whose user is no superuser (needs postgresql)', () => {
  it('is kept apart by the forced policies themselves', async () => {
    const peer = await startPostgres({ fsync: 'off' })
    peer.psql('CREATE ROLE plain LOGIN NOSUPERUSER')
    peer.psql('CREATE DATABASE plant OWNER plain')
    const url = peer.url.replace('postgres@', 'plain@').replace(/\/postgres$/, '/plant')
    const database = await openDatabase({ url, folder, clock: systemClock, log: silentLogger })
    const storage = await CentralStorage.open({ database, clock: systemClock, log: silentLogger, retention: RETENTION })
    const fixture = { database, storage, close: () => Promise.resolve() }
    const mine = await makeTenant(fixture, 'mine')
    const other = await makeTenant(fixture, 'other')
    await storage.ingest.take(mine, numbers({ firstSeq: 1, values: [1, 2, 3], at: Date.now() }))
    const count = (tenant: number) =>
      storage.database.read(tenant, (queryable) => queryable.query('SELECT count(*) FROM central.reading'))
    expect([await count(mine), await count(other)]).toEqual([[{ count: 3 }], [{ count: 0 }]])
    expect(await database.query('SELECT count(*) FROM central.reading')).toEqual([{ count: 0 }])
    await storage.close()
    await database.close()
    await peer.stop()
  })
})
