// Which positions of gateways central has: one row for each gateway and epoch, its seqs as a multirange. Read and written in the
// transaction that keeps the records, with the row locked: so that what comes twice, also at two processes at once, is kept once.

import type { Queryable } from '#backing/database.ts'
import { TelemetryError } from '#domain/errors.ts'
import { ReceivedPositions, type SeqRange } from '#receiver/dedupe.mjs'
import type { TenantNumber } from '../ports.ts'

/** Positions that skip and jump for ever would fill the database. */
const MAX_RANGES = 10_000
const MAX_EPOCHS = 10_000
const MAX_EPOCH = 0x7fff_ffff

/** A batch's place. */
export interface Span {
  readonly gateway: number
  readonly epoch: number
  readonly firstSeq: number
  readonly lastSeq: number
}

interface Row {
  readonly [name: string]: unknown
  readonly gateway: number
  readonly epoch: number
  readonly have: string
  readonly pieces: number
}

export class Positions {
  readonly #received = new Map<string, ReceivedPositions>()
  readonly #refused = new Map<string, string>()
  readonly #added = new Map<string, { gateway: number; epoch: number; ranges: SeqRange[] }>()

  private constructor() {}

  /** Locks the rows of these batches, in one order for everybody, and reads what they have around them. */
  static async lock(queryable: Queryable, tenant: TenantNumber, spans: readonly Span[]): Promise<Positions> {
    const positions = new Positions()
    const asked = positions.#merged(spans)
    let rows = await read(queryable, tenant, asked)
    if (rows.length < asked.length) {
      const there = new Set(rows.map(keyOf))
      await positions.#make(
        queryable,
        tenant,
        asked.filter((span) => !there.has(keyOf(span))),
      )
      rows = await read(queryable, tenant, asked)
    }
    for (const { epoch, gateway, have, pieces } of rows) {
      positions.#received.set(keyOf({ gateway, epoch }), new ReceivedPositions([{ epoch, ranges: parseRanges(have) }]))
      if (pieces > MAX_RANGES)
        positions.#refused.set(keyOf({ gateway, epoch }), `The gateway's records lie in more than ${MAX_RANGES} pieces`)
    }
    return positions
  }

  /** Of one gateway and epoch, around the batches that were asked for. Throws PROTOCOL when they cannot be kept. */
  of(place: { readonly gateway: number; readonly epoch: number }): ReceivedPositions {
    const reason = this.#refused.get(keyOf(place))
    const received = this.#received.get(keyOf(place))
    if (reason === undefined && received !== undefined) return received
    throw new TelemetryError('PROTOCOL', reason ?? 'The position is none that a gateway can have')
  }

  /** To be written with `save`. */
  add({ epoch, gateway }: { readonly gateway: number; readonly epoch: number }, ranges: readonly SeqRange[]): void {
    const key = keyOf({ gateway, epoch })
    const added = this.#added.get(key)
    if (added) added.ranges.push(...ranges)
    else this.#added.set(key, { gateway, epoch, ranges: [...ranges] })
  }

  async save(queryable: Queryable, tenant: TenantNumber): Promise<void> {
    const all = [...this.#added.values()].filter(({ ranges }) => ranges.length > 0)
    if (all.length === 0) return
    await queryable.query(
      `UPDATE central.position AS p SET ranges = p.ranges + added.ranges::int8multirange
       FROM unnest($2::int4[], $3::int4[], $4::text[]) AS added(gateway, epoch, ranges)
       WHERE p.tenant = $1 AND p.gateway = added.gateway AND p.epoch = added.epoch`,
      [
        tenant,
        all.map(({ gateway }) => gateway),
        all.map(({ epoch }) => epoch),
        all.map(({ ranges }) => rangesText(ranges)),
      ],
    )
  }

  /** One span for each gateway and epoch, in order. */
  #merged(spans: readonly Span[]): Span[] {
    const merged = new Map<string, Span>()
    for (const span of spans) {
      const key = keyOf(span)
      const before = merged.get(key)
      if (span.epoch > MAX_EPOCH) this.#refused.set(key, 'The epoch is none that a gateway can have')
      else if (before === undefined) merged.set(key, span)
      else
        merged.set(key, {
          ...span,
          firstSeq: Math.min(before.firstSeq, span.firstSeq),
          lastSeq: Math.max(before.lastSeq, span.lastSeq),
        })
    }
    return [...merged.values()].sort((a, b) => a.gateway - b.gateway || a.epoch - b.epoch)
  }

  async #make(queryable: Queryable, tenant: TenantNumber, spans: readonly Span[]): Promise<void> {
    const counts = await queryable.query<{ gateway: number; count: number }>(
      'SELECT gateway, count(*) FROM central.position WHERE tenant = $1 AND gateway = ANY($2) GROUP BY gateway',
      [tenant, spans.map(({ gateway }) => gateway)],
    )
    const full = new Set(counts.filter(({ count }) => count >= MAX_EPOCHS).map(({ gateway }) => gateway))
    for (const span of spans)
      if (full.has(span.gateway))
        this.#refused.set(keyOf(span), `The gateway has sent records of more than ${MAX_EPOCHS} epochs`)
    const wanted = spans.filter(({ gateway }) => !full.has(gateway))
    await queryable.query(
      `INSERT INTO central.position (tenant, gateway, epoch, ranges)
       SELECT $1, gateway, epoch, '{}' FROM unnest($2::int4[], $3::int4[]) AS made(gateway, epoch) ON CONFLICT DO NOTHING`,
      [tenant, wanted.map(({ gateway }) => gateway), wanted.map(({ epoch }) => epoch)],
    )
  }
}

function read(queryable: Queryable, tenant: TenantNumber, spans: readonly Span[]): Promise<readonly Row[]> {
  return queryable.query<Row>(
    `SELECT p.gateway, p.epoch, (p.ranges * int8multirange(int8range(asked.first, asked.last, '[]')))::text AS have,
       (SELECT count(*) FROM unnest(p.ranges)) AS pieces
     FROM central.position AS p
     JOIN unnest($2::int4[], $3::int4[], $4::int8[], $5::int8[]) AS asked(gateway, epoch, first, last) USING (gateway, epoch)
     WHERE p.tenant = $1 ORDER BY p.gateway, p.epoch FOR UPDATE OF p`,
    [
      tenant,
      spans.map(({ gateway }) => gateway),
      spans.map(({ epoch }) => epoch),
      spans.map(({ firstSeq }) => firstSeq),
      spans.map(({ lastSeq }) => lastSeq),
    ],
  )
}

function keyOf({ epoch, gateway }: { readonly gateway: number; readonly epoch: number }): string {
  return `${gateway}/${epoch}`
}

/** `{[1,501),[600,601)}` → [1, 500], [600, 600] */
export function parseRanges(text: string): SeqRange[] {
  return [...text.matchAll(/\[(\d+),(\d+)\)/g)].map(([, first, end]) => [Number(first), Number(end) - 1])
}

export function rangesText(ranges: readonly SeqRange[]): string {
  return `{${ranges.map(([first, last]) => `[${first},${last}]`).join(',')}}`
}
