// PostgreSQL is killed and started again in the middle of ingest: what was acknowledged is there, and nothing twice. And the same for a
// process with the embedded database.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { hasPostgres, startPostgres } from '#test/sim/postgres.ts'
import { makeTenant, numbers, openStorage, type Fixture } from '../storage/central-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-crash-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const NOW = Date.now()
const GATEWAYS = 4
const ROWS = 20
const KILLS = Number(process.env['TELEMETRYX_KILLS'] ?? 1)

/** A gateway that sends batch after batch, each until it is acknowledged. Answers the last seq that was, and how often it had to ask again. */
async function sendUntil(fixture: Fixture, tenant: number, gateway: string, isOver: (acknowledged: number) => boolean) {
  let seq = 1
  let again = 0
  while (!isOver(seq - 1)) {
    const batch = numbers({
      gateway,
      firstSeq: seq,
      values: Array.from({ length: ROWS }, (_, index) => seq + index),
      at: NOW - 60_000,
    })
    try {
      await fixture.storage.ingest.take(tenant, batch)
      seq += ROWS
    } catch (cause) {
      if (!isTelemetryError(cause) || !cause.retryable) throw cause
      again += 1
      await sleep(systemClock, 20)
    }
  }
  return { acknowledged: seq - 1, again }
}

describe.skipIf(!hasPostgres)('PostgreSQL killed in the middle of ingest (needs postgresql)', () => {
  it('has what was acknowledged, and nothing twice', async () => {
    const peer = await startPostgres()
    const fixture = await openStorage({ url: peer.url, folder })
    const tenant = await makeTenant(fixture, 'mine')
    const reached = new Map<string, number>()
    let kills = 0
    let wanted = 0
    const gateways = Array.from({ length: GATEWAYS }, (_, index) => `edge-${index}`)
    const sending = Promise.all(
      gateways.map((gateway) =>
        sendUntil(fixture, tenant, gateway, (acknowledged) => {
          reached.set(gateway, acknowledged)
          return kills === KILLS && acknowledged >= wanted
        }),
      ),
    )
    sending.catch(() => {}) // looked at below
    for (; kills < KILLS; kills++) {
      const before = Math.max(0, ...reached.values())
      await expect.poll(() => Math.max(0, ...reached.values()), { timeout: 100_000 }).toBeGreaterThan(before + 5 * ROWS)
      await peer.kill()
      await peer.restart()
      wanted = Math.max(...reached.values()) + 5 * ROWS
    }
    const results = await sending
    expect(results.some(({ again }) => again > 0)).toBe(true)
    const rows = await fixture.database.query(
      `SELECT g.id, count(*), count(DISTINCT r.seq) AS distinct, min(r.seq), max(r.seq), bool_and(r.value = r.seq) AS right
       FROM central.reading AS r JOIN central.sensor AS s ON s.number = r.sensor JOIN central.gateway AS g ON g.number = s.gateway
       GROUP BY g.id ORDER BY g.id`,
    )
    expect(rows).toEqual(
      gateways.map((id, index) => {
        const { acknowledged } = results[index]!
        return { id, count: acknowledged, distinct: acknowledged, min: 1, max: acknowledged, right: true }
      }),
    )
    await fixture.close()
    await peer.stop()
  }, 240_000)
})

describe('A process with the embedded database', () => {
  it('is killed and finds what it had acknowledged', async () => {
    const place = join(folder, 'embedded')
    const child = fork(new URL('./embedded-child.ts', import.meta.url), [place], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    let acknowledged = 0
    const enough = new Promise<void>((resolve) =>
      child.on('message', (seq: number) => {
        acknowledged = seq
        if (seq >= 200) resolve()
      }),
    )
    await enough
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    const fixture = await openStorage({ url: null, folder: place })
    const [row] = await fixture.database.query(
      'SELECT count(*), count(DISTINCT seq) AS distinct, max(seq) FROM central.reading',
    )
    expect(row!['count']).toBe(row!['distinct'])
    expect(row!['count']).toBe(row!['max'])
    expect(row!['count']).toBeGreaterThanOrEqual(acknowledged)
    await fixture.close()
  }, 240_000)
})
