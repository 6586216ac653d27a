// The fleet: gateways as they are known, and the configurations that are offered to them.

import { TelemetryError } from '#domain/errors.ts'
import { cleanJson, cleanText } from '../ingest/clean-text.ts'
import { cleanId } from '../model/model-changed.ts'
import type { ConfigurationOffer, GatewayRecord, OfferHead } from '../gateway-record.ts'
import type { GatewaysPort, TenantNumber } from '../ports.ts'
import { afterId, keyOfCursor, pageOfRows } from './pages.ts'
import { checkText, findGateway, waitingPlan } from './plan-questions.ts'
import type { TenantDatabase } from './tenant-database.ts'

/** Offers of one gateway that are kept. */
const KEPT_OFFERS = 100

interface OfferColumns {
  readonly revision: number
  readonly text: string
  readonly base: string | null
  readonly comment: string | null
  readonly by: string
  readonly offered_at: number
  readonly state: ConfigurationOffer['state']
  readonly number: number | null
  readonly reason: string | null
  readonly problems: ConfigurationOffer['problems']
  readonly reported_at: number | null
}

interface OfferRow extends OfferColumns {
  readonly [name: string]: unknown
}

interface GatewayRow {
  readonly [name: string]: unknown
  readonly id: string
  readonly factory: string
  readonly version: string
  readonly epoch: number
  readonly registered_at: number
  readonly seen_at: number
  readonly record_at: number | null
  readonly clock_offset_ms: number | null
  readonly lag_ms: number | null
  readonly is_replaying: boolean
  readonly sensors: number
  readonly asked_at: number | null
  readonly can_plan: boolean | null
  readonly offer:
    | (Omit<OfferColumns, 'base' | 'offered_at' | 'reported_at'> & {
        readonly offered_ms: number
        readonly reported_ms: number | null
      })
    | null
}

const OFFER =
  'o.revision, o.text, o.base, o.comment, o.by, o.offered_at, o.state, o.number, o.reason, o.problems, o.reported_at'
/** $1 is the tenant. */
const GATEWAYS = `SELECT g.id, g.factory, g.version, g.epoch, g.registered_at, g.seen_at, g.record_at, g.clock_offset_ms, g.lag_ms,
    g.is_replaying, g.asked_at, g.can_plan, (SELECT count(*) FROM central.sensor AS s WHERE s.tenant = $1 AND s.gateway = g.number AND s.is_current) AS sensors,
    (SELECT jsonb_build_object('revision', o.revision, 'comment', o.comment, 'by', o.by, 'state', o.state, 'number', o.number,
        'reason', o.reason, 'problems', o.problems, 'offered_ms', floor(extract(epoch FROM o.offered_at) * 1000),
        'reported_ms', floor(extract(epoch FROM o.reported_at) * 1000))
      FROM central.configuration_offer AS o WHERE o.tenant = $1 AND o.gateway = g.number ORDER BY o.revision DESC LIMIT 1) AS offer
  FROM central.gateway AS g WHERE g.tenant = $1 AND NOT g.is_program AND g.is_registered`
const OFFERS = `SELECT ${OFFER} FROM central.configuration_offer AS o
  JOIN central.gateway AS g ON g.number = o.gateway AND g.tenant = $1 AND g.is_registered WHERE o.tenant = $1 AND g.id = $2`

export function gatewaysPort(database: TenantDatabase, now: () => number): GatewaysPort {
  return {
    async list(tenant, page) {
      const [after, limit] = afterId(page)
      const rows = await database.read(tenant, (queryable) =>
        queryable.query<GatewayRow>(`${GATEWAYS} AND g.id COLLATE "C" > $2 ORDER BY g.id COLLATE "C" LIMIT $3`, [
          tenant,
          after,
          limit + 1,
        ]),
      )
      return pageOfRows(rows, limit, { item: gatewayOf, key: ({ id }) => [id] })
    },
    async get(tenant, id) {
      const [row] = await database.read(tenant, (queryable) =>
        queryable.query<GatewayRow>(`${GATEWAYS} AND g.id = $2`, [tenant, cleanId(id)]),
      )
      return row ? gatewayOf(row) : null
    },
    asks: (tenant, id, canPlan) =>
      database.write(tenant, async (queryable) => {
        const [row] = await queryable.query<{ number: number }>(
          `UPDATE central.gateway SET seen_at = to_timestamp($3::float8 / 1000), asked_at = to_timestamp($3::float8 / 1000), can_plan = $4
           WHERE tenant = $1 AND id = $2 RETURNING number`,
          [tenant, cleanId(id), now(), canPlan],
        )
        return row === undefined || !canPlan
          ? null
          : waitingPlan(queryable, { tenant, gateway: row.number, now: now() })
      }),
    async remove(tenant, id) {
      await database.write(tenant, async (queryable) => {
        const number = await findGateway(queryable, tenant, id)
        for (const table of ['configuration_offer', 'plan_question'])
          await queryable.query(`DELETE FROM central.${table} WHERE tenant = $1 AND gateway = $2`, [tenant, number])
        await queryable.query('UPDATE central.gateway SET is_registered = false WHERE tenant = $1 AND number = $2', [
          tenant,
          number,
        ])
      })
    },
    offer: (tenant, id, wish) => offer(database, tenant, { ...wish, id }),
    async offered(tenant, id) {
      const [row] = await database.read(tenant, (queryable) =>
        queryable.query<OfferRow>(`${OFFERS} ORDER BY o.revision DESC LIMIT 1`, [tenant, cleanId(id)]),
      )
      return row ? offerOf(row) : null
    },
    async offers(tenant, id, { cursor, limit }) {
      const [before = 0x7fff_ffff] = keyOfCursor(cursor, ['number']) ?? []
      const rows = await database.read(tenant, async (queryable) => {
        await findGateway(queryable, tenant, id)
        return queryable.query<OfferRow>(`${OFFERS} AND o.revision < $3::int8 ORDER BY o.revision DESC LIMIT $4`, [
          tenant,
          cleanId(id),
          before,
          limit + 1,
        ])
      })
      return pageOfRows(rows, limit, { item: offerOf, key: ({ revision }) => [revision] })
    },
    report: (tenant, id, revision, report) =>
      database.write(tenant, async (queryable) => {
        const [row] = await queryable.query<OfferRow>(
          `UPDATE central.configuration_offer AS o SET state = $4, number = $5::int, reason = $6, problems = $7::jsonb,
             reported_at = to_timestamp($8::float8 / 1000)
           WHERE o.tenant = $1 AND o.gateway = $2 AND o.revision = $3::int RETURNING ${OFFER}`,
          [
            tenant,
            await findGateway(queryable, tenant, id),
            numberOfRevision(revision),
            report.state,
            report.number,
            report.reason === null ? null : cleanText(report.reason, 2000),
            cleanJson(report.problems.slice(0, 50)),
            now(),
          ],
        )
        if (row === undefined) throw new TelemetryError('NOT_FOUND', `There is no revision ${revision}`)
        return offerOf(row)
      }),
  }
}

interface Wish {
  readonly text: string
  readonly base?: string | null
  readonly comment: string | null
  readonly by: string
  /** Of the gateway. */
  readonly id: string
}

async function offer(
  database: TenantDatabase,
  tenant: TenantNumber,
  { base = null, by, comment, id, text }: Wish,
): Promise<ConfigurationOffer> {
  checkText(text)
  return database.write(tenant, async (queryable) => {
    const gateway = await findGateway(queryable, tenant, id)
    await queryable.query('SELECT FROM central.gateway WHERE tenant = $1 AND number = $2 FOR UPDATE', [tenant, gateway])
    await queryable.query(
      `UPDATE central.configuration_offer SET state = 'withdrawn' WHERE tenant = $1 AND gateway = $2 AND state = 'offered'`,
      [tenant, gateway],
    )
    const [row] = await queryable.query<OfferRow>(
      `INSERT INTO central.configuration_offer AS o (tenant, gateway, revision, text, comment, by, base)
       SELECT $1, $2, coalesce(max(revision), 0) + 1, $3, $4, $5, $6 FROM central.configuration_offer WHERE tenant = $1 AND gateway = $2
       RETURNING ${OFFER}`,
      [tenant, gateway, text.toWellFormed(), comment && cleanText(comment, 1000), cleanText(by, 200), base],
    )
    await queryable.query(
      'DELETE FROM central.configuration_offer WHERE tenant = $1 AND gateway = $2 AND revision <= $3::int',
      [tenant, gateway, row!.revision - KEPT_OFFERS],
    )
    return offerOf(row!)
  })
}

function offerOf(row: OfferColumns): ConfigurationOffer {
  return { text: row.text, base: row.base, ...headOf(row) }
}

function headOf(row: Omit<OfferColumns, 'text' | 'base'>): OfferHead {
  const { by, comment, number, offered_at, problems, reason, reported_at, revision, state } = row
  return {
    revision: `r${revision}`,
    comment,
    by,
    offeredAt: offered_at,
    state,
    number,
    reason,
    problems,
    reportedAt: reported_at,
  }
}

function gatewayOf(row: GatewayRow): GatewayRecord {
  const {
    asked_at: askedAt,
    can_plan: canPlan,
    clock_offset_ms,
    epoch,
    factory,
    id,
    is_replaying,
    lag_ms,
    offer: last,
    record_at,
    registered_at,
    seen_at,
    sensors,
    version,
  } = row
  return {
    id,
    factory,
    version,
    epoch,
    registeredAt: registered_at,
    seenAt: seen_at,
    recordAt: record_at,
    clockOffsetMs: clock_offset_ms,
    lagMs: lag_ms,
    isReplaying: is_replaying,
    sensors,
    asked: askedAt === null ? null : { at: askedAt, canPlan: canPlan === true },
    configuration: last && headOf({ ...last, offered_at: last.offered_ms, reported_at: last.reported_ms }),
  }
}

/** 0 for what is no name of a revision: there is none with it. */
function numberOfRevision(revision: string): number {
  return Number(/^r(\d{1,9})$/.exec(revision)?.[1] ?? 0)
}
