// What engineers want to know of a configuration before they offer it: kept until the gateway comes and says. Nothing is applied.

import type { Queryable } from '#backing/database.ts'
import { TelemetryError } from '#domain/errors.ts'
import { cleanJson, cleanText } from '../ingest/clean-text.ts'
import { cleanId } from '../model/model-changed.ts'
import { PLAN_WAITS_MS, type PlanAnswer, type PlanQuestion, type PlansPort } from '../plan-record.ts'
import type { TenantNumber } from '../ports.ts'
import type { TenantDatabase } from './tenant-database.ts'

/** A gateway takes no more. */
const MAX_TEXT_BYTES = 1024 * 1024
/** Questions of one gateway that are kept. */
const KEPT = 10

interface QuestionRow {
  readonly [name: string]: unknown
  readonly number: number
  readonly text: string
  readonly by: string
  readonly asked_at: number
  readonly answered_at: number | null
  readonly base: string | null
  readonly answer: Omit<PlanAnswer, 'base'> | null
}

const QUESTION = 'q.number, q.text, q.by, q.asked_at, q.answered_at, q.base, q.answer'

/** Throws OUT_OF_RANGE. */
export function checkText(text: string): void {
  if (Buffer.byteLength(text) > MAX_TEXT_BYTES || text.includes('\0'))
    throw new TelemetryError('OUT_OF_RANGE', 'A configuration has at most 1 MiB, and no NUL')
}

/** Number of a registered gateway. Throws NOT_FOUND. */
export async function findGateway(queryable: Queryable, tenant: TenantNumber, id: string): Promise<number> {
  const [row] = await queryable.query<{ number: number }>(
    'SELECT number FROM central.gateway WHERE tenant = $1 AND id = $2 AND is_registered AND NOT is_program',
    [tenant, cleanId(id)],
  )
  if (row === undefined) throw new TelemetryError('NOT_FOUND', `There is no gateway ${id}`)
  return row.number
}

/** The oldest question that somebody still waits for; null: none. */
export async function waitingPlan(
  queryable: Queryable,
  { gateway, now, tenant }: { readonly tenant: TenantNumber; readonly gateway: number; readonly now: number },
): Promise<string | null> {
  const [row] = await queryable.query<{ number: number }>(
    `SELECT number FROM central.plan_question WHERE tenant = $1 AND gateway = $2 AND answered_at IS NULL
       AND asked_at > to_timestamp($3::float8 / 1000) ORDER BY number LIMIT 1`,
    [tenant, gateway, now - PLAN_WAITS_MS],
  )
  return row === undefined ? null : `p${row.number}`
}

export function plansPort(database: TenantDatabase, now: () => number): PlansPort {
  return {
    ask: (tenant, id, { by, text }) => {
      checkText(text)
      return database.write(tenant, async (queryable) => {
        const gateway = await findGateway(queryable, tenant, id)
        await queryable.query('SELECT FROM central.gateway WHERE tenant = $1 AND number = $2 FOR UPDATE', [
          tenant,
          gateway,
        ])
        const [row] = await queryable.query<QuestionRow>(
          `INSERT INTO central.plan_question AS q (tenant, gateway, number, text, by, asked_at)
           SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, to_timestamp($5::float8 / 1000)
           FROM central.plan_question WHERE tenant = $1 AND gateway = $2 RETURNING ${QUESTION}`,
          [tenant, gateway, text.toWellFormed(), cleanText(by, 200), now()],
        )
        await queryable.query(
          'DELETE FROM central.plan_question WHERE tenant = $1 AND gateway = $2 AND number <= $3::int',
          [tenant, gateway, row!.number - KEPT],
        )
        return questionOf(row!)
      })
    },
    async get(tenant, id, plan) {
      const [row] = await database.read(tenant, (queryable) =>
        queryable.query<QuestionRow>(
          `SELECT ${QUESTION} FROM central.plan_question AS q JOIN central.gateway AS g
             ON g.number = q.gateway AND g.tenant = $1 AND g.is_registered
           WHERE q.tenant = $1 AND g.id = $2 AND q.number = $3::int`,
          [tenant, cleanId(id), numberOf(plan)],
        ),
      )
      return row === undefined ? null : questionOf(row)
    },
    answer: (tenant, id, plan, { base, ...answer }) =>
      database.write(tenant, async (queryable) => {
        const rows = await queryable.query(
          `UPDATE central.plan_question SET answered_at = to_timestamp($4::float8 / 1000), base = $5, answer = $6::jsonb
           WHERE tenant = $1 AND gateway = $2 AND number = $3::int AND answered_at IS NULL RETURNING number`,
          [tenant, await findGateway(queryable, tenant, id), numberOf(plan), now(), base, cleanJson(answer)],
        )
        if (rows.length === 0) throw new TelemetryError('NOT_FOUND', `Nobody waits for a plan ${plan}`)
      }),
  }
}

function questionOf(row: QuestionRow): PlanQuestion {
  const { answer, answered_at: answeredAt, asked_at: askedAt, base, by, number, text } = row
  return { plan: `p${number}`, text, by, askedAt, answeredAt, answer: answer && { ...answer, base } }
}

/** 0 for what is no name of a plan: there is none with it. */
function numberOf(plan: string): number {
  return Number(/^p(\d{1,9})$/.exec(plan)?.[1] ?? 0)
}
