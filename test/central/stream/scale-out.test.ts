import { jetstreamManager } from '@nats-io/jetstream'
import { connect as natsConnect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openNats } from '#backing/nats.ts'
import { DEAD_STREAM, INGEST_STREAM } from '#central/stream/subjects.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { hasNats, startNats, type NatsServer } from '#test/sim/nats.ts'
import { Client } from 'pg'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { makeTenant, openStorage } from '../storage/central-fixture.ts'
import type { CentralSetup } from './central-process.ts'
import { CentralProcess, sendAll } from './fleet.ts'

const WAIT = { timeout: 60_000, interval: 50 }
const GATEWAYS = 6
const BATCHES = Number(process.env['TELEMETRYX_STREAM_BATCHES'] ?? 60)
const ROWS = 7
const NAMES = ['central-0', 'central-1']

/** Each change of a gateway's positions, as it was committed: more than one range means that a batch came before an earlier one. */
const WATCH_ORDER = `
  CREATE TABLE public.seen (id bigserial, gateway int, ranges int, reached bigint);
  CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO public.seen (gateway, ranges, reached)
      VALUES (NEW.gateway, (SELECT count(*) FROM unnest(NEW.ranges)), upper(NEW.ranges) - 1);
    RETURN NEW;
  END $$;
  CREATE TRIGGER see AFTER INSERT OR UPDATE ON central.position FOR EACH ROW EXECUTE FUNCTION public.see();`

const READINGS = `SELECT g.id, count(*), count(DISTINCT (r.epoch, r.seq)), count(DISTINCT r.value), min(r.value), max(r.value)
  FROM central.reading r JOIN central.sensor s ON s.number = r.sensor JOIN central.gateway g ON g.number = s.gateway
  GROUP BY g.id ORDER BY g.id`
const POSITIONS = `SELECT g.id, p.ranges FROM central.position p JOIN central.gateway g ON g.number = p.gateway ORDER BY g.id`
const STEPS_BACK = `SELECT count(*) FROM
  (SELECT reached < lag(reached) OVER (PARTITION BY gateway ORDER BY id) AS back FROM public.seen) AS steps WHERE back`

describe.skipIf(!hasNats || !hasPostgres)('central in two processes (needs nats-server, postgresql)', () => {
  let postgres: PostgresPeer
  let nats: NatsServer
  let setup: CentralSetup
  const processes: CentralProcess[] = []

  beforeAll(async () => {
    ;[postgres, nats] = await Promise.all([startPostgres(), startNats()])
    const fixture = await openStorage({ url: postgres.url, folder: '' })
    const tenant = await makeTenant(fixture, 'plant')
    await fixture.close()
    postgres.psql(WATCH_ORDER)
    setup = {
      databaseUrl: postgres.url,
      natsUrls: [nats.url],
      tenant,
      replicas: 1,
      partitions: 4,
      ackWaitMs: 2000,
      idleInTransactionMs: 3000,
      traceEndpoint: null,
    }
    // By its name in PostgreSQL the tests find out which of them is at a batch.
    const named = (name: string) => ({ ...setup, databaseUrl: `${postgres.url}?application_name=${name}` })
    processes.push(...NAMES.map((name) => new CentralProcess(named(name))))
    await Promise.all(processes.map((process) => process.start()))
  }, 180_000)

  afterAll(async () => {
    await Promise.all(processes.map((process) => process.kill()))
    await nats.stop()
    await postgres.stop()
  })

  it('loses nothing, keeps nothing twice and keeps each gateway’s order while everything is killed in the middle', async () => {
    const [first] = processes
    const faults = new Map<number, () => Promise<void>>(
      [
        [0.15, async () => (await first!.kill(), await first!.start())],
        [0.35, async () => (await nats.kill(), await nats.restart())],
        [0.6, async () => (await postgres.kill(), await postgres.restart())],
        [0.8, async () => (await processes[1]!.kill(), await processes[1]!.start())],
      ].map(([share, fault]) => [Math.floor((share as number) * BATCHES), fault as () => Promise<void>]),
    )
    let broken: Promise<unknown> = Promise.resolve()
    let faultsDone = 0
    const gateways = Array.from({ length: GATEWAYS }, (_, index) => `edge-${index}`)
    await Promise.all(
      gateways.map((gateway, index) =>
        sendAll({
          gateway,
          batches: BATCHES,
          rows: ROWS,
          processes,
          onAcknowledged: (batch) => {
            const fault = index === 0 ? faults.get(batch) : undefined
            if (fault) broken = broken.then(fault).then(() => (faultsDone += 1))
          },
        }),
      ),
    )
    await broken
    expect(faultsDone).toBe(4)
    await drained()
    const all = BATCHES * ROWS
    const seen = {
      dead: await deadLetters(),
      readings: postgres.psql(READINGS).split('\n'),
      positions: postgres.psql(POSITIONS).split('\n'),
      // More than one range in any state of any gateway: a batch came before an earlier one.
      mostRanges: postgres.psql('SELECT max(ranges) FROM public.seen'),
      stepsBack: postgres.psql(STEPS_BACK),
    }
    expect(seen).toEqual({
      dead: [],
      readings: gateways.map((id) => `${id}|${all}|${all}|${all}|1|${all}`),
      positions: gateways.map((id) => `${id}|{[1,${all + 1})}`),
      mostRanges: '1',
      stepsBack: '0',
    })
  }, 240_000)

  it('tells the live clients of each process what the other took in', async () => {
    const before = processes.map(({ live }) => live.length)
    await sendAll({ gateway: 'edge-live', batches: 12, rows: 3, processes })
    await vi.waitFor(() => {
      for (const [index, { live }] of processes.entries()) {
        const heard = live.slice(before[index]).filter(({ gateway }) => gateway === 'edge-live')
        expect(heard.flatMap(({ seqs }) => seqs)).toEqual(Array.from({ length: 36 }, (_, seq) => seq + 1))
      }
    }, WAIT)
  }, 120_000)

  it('goes on in the other process when one is killed in the middle of a transaction', async () => {
    const release = await heldUp()
    await sendAll({ gateway: 'edge-killed', batches: 3, rows: 4, processes })
    const holder = processes[await whoWaits()]!
    await holder.kill()
    await release()
    await drained() // its message comes again
    expect(kept('edge-killed')).toBe('12|12|{[1,13)}')
    await holder.start()
  }, 120_000)

  it('goes on in the other process when one stands still, whose work is dropped when it goes on', async () => {
    const release = await heldUp()
    await sendAll({ gateway: 'edge-frozen', batches: 3, rows: 4, processes })
    const index = await whoWaits()
    const [holder, other] = [processes[index]!, processes[1 - index]!]
    holder.freeze()
    await release() // its transaction has its locks, and nobody ends it but PostgreSQL
    await drained()
    expect(kept('edge-frozen')).toBe('12|12|{[1,13)}')
    holder.thaw()
    // It still has the batch in its hands, and then goes on with others.
    await vi.waitFor(async () => expect(await holder.take(lastOf('edge-frozen', 13))).toBe(true), WAIT)
    await vi.waitFor(() => expect(kept('edge-frozen')).toBe('13|13|{[1,14)}'), WAIT)
    await drained()
    expect(await deadLetters()).toEqual([])
    await vi.waitFor(() => {
      const heard = other.live.filter(({ gateway }) => gateway === 'edge-frozen').flatMap(({ seqs }) => seqs)
      expect(heard).toEqual(Array.from({ length: 13 }, (_, seq) => seq + 1))
    }, WAIT)
  }, 120_000)

  it('goes on in the other process when one stops, without a batch set aside', async () => {
    await processes[0]!.stop()
    expect(processes[0]!.figures).toMatchObject({ dead: 0 })
    await sendAll({ gateway: 'edge-last', batches: 10, rows: 1, processes })
    await drained()
    await processes[1]!.stop()
    expect(processes[1]!.figures).toMatchObject({ dead: 0 })
    expect(processes[1]!.figures!.consumed).toBeGreaterThan(0)
    const query = `SELECT count(*) FROM central.reading r JOIN central.sensor s ON s.number = r.sensor WHERE s.source_id = 'edge-last.power'`
    expect(postgres.psql(query)).toBe('10')
  }, 120_000)

  /** Nobody can write readings until what it answers is called. */
  async function heldUp(): Promise<() => Promise<void>> {
    const client = new Client({ connectionString: postgres.url })
    await client.connect()
    await client.query('BEGIN; LOCK TABLE central.reading IN SHARE MODE')
    return () => client.end()
  }

  /** The process whose transaction waits for `heldUp`. */
  async function whoWaits(): Promise<number> {
    const query = `SELECT min(application_name) FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO central.reading%'`
    return vi.waitFor(() => {
      const index = NAMES.indexOf(postgres.psql(query).trim())
      expect(index).toBeGreaterThanOrEqual(0)
      return index
    }, WAIT)
  }

  /** Readings, different ones, positions. */
  function kept(gateway: string): string {
    return postgres.psql(`SELECT count(*), count(DISTINCT (r.epoch, r.seq)),
        (SELECT string_agg(p.ranges::text, ' ') FROM central.position p JOIN central.gateway g ON g.number = p.gateway WHERE g.id = '${gateway}')
      FROM central.reading r JOIN central.sensor s ON s.number = r.sensor JOIN central.gateway g ON g.number = s.gateway
      WHERE g.id = '${gateway}'`)
  }

  function lastOf(gateway: string, firstSeq: number) {
    return { gateway, firstSeq, values: [firstSeq], time: Date.now() - 30_000 }
  }

  /** What was set aside, and why. */
  async function deadLetters(): Promise<string[]> {
    const connection = await natsConnect({ servers: nats.url })
    const { streams } = await jetstreamManager(connection)
    const { state } = await streams.info(DEAD_STREAM)
    const reasons: string[] = []
    for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq++)
      reasons.push((await streams.getMessage(DEAD_STREAM, { seq }))?.header.get('Telemetryx-Detail') ?? 'gone')
    await connection.close()
    return reasons
  }

  /** Everything was consumed, and nothing of it lies in the stream any more. */
  async function drained(): Promise<void> {
    const port = await openNats({ urls: [nats.url], credentials: null, clock: systemClock, log: silentLogger })
    await vi.waitFor(async () => expect(await port.waiting(INGEST_STREAM)).toBe(0), WAIT)
    await port.sweep(INGEST_STREAM)
    await port.close()
    const connection = await natsConnect({ servers: nats.url })
    const { state } = await (await jetstreamManager(connection)).streams.info(INGEST_STREAM)
    await connection.close()
    expect(state.messages).toBe(0)
  }
})
