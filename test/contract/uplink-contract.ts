// What every kind of uplink must do, against its real receiver. One suite, run for each kind.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import type { Delivery, UplinkConnection, UplinkKind } from '#domain/uplink.ts'
import type { RecordBatch } from '#domain/reading.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { ModelJournal, modelOf } from '../uplinks/model-journal.ts'

/** A real receiver. Its address stays the same from `start` to `start`. */
export interface UplinkPeer {
  /** Decoded configuration of an uplink to it. */
  readonly config: unknown
  /** `gateway/epoch/seq` of every record that arrived, repeats included, in order of arrival. */
  ids(): readonly string[]
  /** Goes away without losing what it has acknowledged. */
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export interface UplinkContract {
  readonly kind: UplinkKind
  /** What the machine must have for it, for the name of the suite. */
  readonly needs: string
  readonly isPresent: boolean
  open(): Promise<UplinkPeer>
}

const MODEL = modelOf(['press-1.pressure', 'press-1.speed'])
const never = new AbortController().signal

export function describeUplink(contract: UplinkContract): void {
  const { kind, needs, isPresent } = contract
  describe.skipIf(!isPresent)(`An uplink of kind ${kind.type} (needs ${needs})`, () => {
    let peer: UplinkPeer
    let losses: unknown[]
    let connection: UplinkConnection

    beforeEach(async () => {
      peer = await contract.open()
      losses = []
      connection = kind.open(
        { id: 'contract', config: peer.config, gateway: 'edge-01', factory: 'Plant A' },
        { log: silentLogger, model: () => MODEL, lost: (cause) => losses.push(cause) },
      )
    })
    afterEach(async () => {
      await connection.close()
      await peer.close()
    })

    it('delivers the wanted rows of a batch in order, each with its position', async () => {
      await connection.connect(never)
      const result = await connection.deliver(await delivery(1, 5, [0, 2, 4]), never)
      expect(result).toEqual({ rejected: [] })
      await vi.waitFor(() => expect(peer.ids()).toEqual(['edge-01/1/1', 'edge-01/1/3', 'edge-01/1/5']), EVENTUALLY)
    })

    it('keeps the order of several deliveries under way', async () => {
      await connection.connect(never)
      const batches = await Promise.all([delivery(1, 700), delivery(2, 500), delivery(3, 1)])
      await Promise.all(batches.map((each) => connection.deliver(each, never)))
      await vi.waitFor(() => expect(peer.ids()).toHaveLength(1201), EVENTUALLY)
      expect(peer.ids().slice(0, 700)).toEqual(idsOf(1, 700))
      expect(peer.ids().slice(700)).toEqual([...idsOf(2, 500), 'edge-01/3/1'])
    })

    it('says why it cannot connect, in an error that may be retried', async () => {
      await peer.stop()
      const error: unknown = await connection.connect(never).catch((cause: unknown) => cause)
      expect(isTelemetryError(error) && error.retryable).toBe(true)
    })

    it('connects again after its receiver was away, and says once that it was lost', async () => {
      await connection.connect(never)
      await peer.stop()
      await vi.waitFor(() => expect(losses.length).toBeGreaterThan(0), EVENTUALLY)
      await expect(connection.deliver(await delivery(1, 1), never)).rejects.toMatchObject({ retryable: true })
      await peer.start()
      await connection.connect(never)
      await connection.deliver(await delivery(1, 2), never)
      await vi.waitFor(() => expect(peer.ids()).toEqual(idsOf(1, 2)), EVENTUALLY)
    })

    it('drops the connection when a delivery is given up, and can connect anew', async () => {
      await connection.connect(never)
      const abort = new AbortController()
      const given = connection.deliver(await delivery(1, 400), abort.signal)
      abort.abort()
      await expect(given).rejects.toMatchObject({ retryable: true })
      await connection.connect(never)
      await connection.deliver(await delivery(2, 1), never)
      await vi.waitFor(() => expect(peer.ids().at(-1)).toBe('edge-01/2/1'), EVENTUALLY)
    })

    it('stops connecting when told to, and closes at any time', async () => {
      await connection.close()
      const abort = new AbortController()
      const connecting = connection.connect(abort.signal)
      abort.abort()
      await expect(connecting).rejects.toMatchObject({ code: 'ABORTED' })
      await connection.connect(never)
      await connection.close()
      await connection.close()
      expect(losses).toEqual([])
    })

    it(
      'forwards everything in order while the receiver goes and comes back under load',
      { timeout: 60_000 },
      async () => {
        const run = startUplinks(kind, peer)
        const appending = setInterval(() => run.append(50), 5)
        await vi.waitFor(() => expect(peer.ids().length).toBeGreaterThan(500), EVENTUALLY)
        await peer.stop()
        const before = run.status().delivered
        await vi.waitFor(() => expect(run.status()).toMatchObject({ state: 'retrying' }), EVENTUALLY)
        await vi.waitFor(() => expect(run.status().pending).toBeGreaterThan(2000), EVENTUALLY)
        await peer.start()
        await vi.waitFor(() => expect(run.status().delivered).toBeGreaterThan(before + 4000), EVENTUALLY)
        clearInterval(appending)
        await vi.waitFor(() => expect(run.status().pending).toBe(0), EVENTUALLY)
        const { accepted, delivered, reason } = run.status()
        expect({ delivered, reason }).toEqual({ delivered: accepted, reason: null })
        await vi.waitFor(() => expect(new Set(peer.ids()).size).toBe(accepted), EVENTUALLY)
        expect([...new Set(peer.ids())]).toEqual(idsOf(1, accepted)) // first arrivals are in order; repeats carry the same id
        await run.stop()
      },
    )
  })
}

async function delivery(epoch: number, length: number, rows?: readonly number[]): Promise<Delivery> {
  const journal = new ModelJournal(epoch)
  for (let n = 0; n < length; n++) journal.append(n % 2, n + 0.5, Date.UTC(2026, 10, 20))
  const batch = (await journal.read({ epoch, seq: 0 }, length)) as RecordBatch
  const wanted = Uint32Array.from(rows ?? batch.sensor.keys())
  return { lane: 'inOrder', historical: false, batch, rows: wanted, rowCount: wanted.length }
}

function idsOf(epoch: number, length: number): string[] {
  return Array.from({ length }, (_, index) => `edge-01/${epoch}/${index + 1}`)
}

/** A whole gateway's uplinks on a model journal, on the machine's clock. */
function startUplinks(kind: UplinkKind, peer: UplinkPeer) {
  const journal = new ModelJournal()
  const uplinks = createUplinks({
    clock: systemClock,
    log: silentLogger,
    registry: new Registry(),
    random: () => 0.2,
    journal,
    model: () => MODEL,
    gateway: 'edge-01',
    factory: 'Plant A',
    uplinks: [{ id: 'contract', kind, config: peer.config, include: ['*'], exclude: [], maxRate: null }],
  })
  void uplinks.start(never)
  return {
    append: (count: number): void => {
      for (let n = 0; n < count; n++) journal.append(n % 2, n, Date.now())
    },
    status: () => uplinks.list()[0]!,
    stop: () => uplinks.stop(never),
  }
}
