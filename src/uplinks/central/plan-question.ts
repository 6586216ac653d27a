// What a configuration would change here, for an engineer at central who has not offered it yet. Nothing is applied. That somebody
// waits is told by a header of the answer to each question for offers; central keeps the question until it is answered.
//
//   GET /api/v1/gateways/{id}/configuration/plans/{plan}   200 { "plan": "p3", "text": "version: 1 …" }       404: nobody waits any more
//   PUT the same  { "base", "summary", "lines", "needsRestart", "reason", "problems" }; `reason` says why it would be refused

import type { ConfigurationPlan } from '#domain/configuration.ts'
import type { Log } from '#domain/driver.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { planLines, planWords } from '#domain/plan-words.ts'
import type { OfferDesk } from '#domain/uplink.ts'
import type { Answer } from './answer.ts'
import { statusError } from './failure.ts'
import type { HttpLine } from './http-line.ts'

/** Says to central that this gateway can plan. */
export const CAN_PLAN: Readonly<Record<string, string>> = { 'Telemetryx-Can': 'plan' }
const MAX_PROBLEMS = 50
const MAX_LINES = 500
const MAX_LINE = 1000

export interface PlanWords {
  readonly summary: string
  readonly lines: readonly string[]
}

interface PlanAnswer extends Partial<PlanWords> {
  readonly needsRestart: readonly string[]
  readonly reason: string | null
  readonly problems: readonly unknown[]
}

interface Asked {
  readonly desk: OfferDesk
  readonly line: HttpLine
  readonly gateway: string
  readonly uplink: string
  readonly log: Log
}

/** The plan that somebody waits for; null: nobody does. */
export function planNamed({ headers }: Answer): string | null {
  const named = headers['telemetryx-plan']
  return typeof named === 'string' && /^[\w.:-]{1,20}$/.test(named) ? named : null
}

/** Plans it and tells central; false: central does not take the answer. Throws TelemetryError (retryable) when central is away: it asks again. */
export async function answerPlan(name: string, { desk, gateway, line, log, uplink }: Asked): Promise<boolean> {
  const path = `/api/v1/gateways/${encodeURIComponent(gateway)}/configuration/plans/${encodeURIComponent(name)}`
  const question = await line.send({ method: 'GET', path })
  if (question.status === 404) return true
  if (question.status !== 200) throw statusError(question, line.name)
  const text = textIn(question.body, line.name)
  const base = desk.present().etag // before the plan: what changes meanwhile makes an offer of it stale
  const answer = await plan(desk, text)
  log.info({ uplink, plan: name, reason: answer.reason }, 'Central asks what a configuration would change')
  const { lines = [], needsRestart, problems, reason, summary = null } = answer
  const body = Buffer.from(JSON.stringify({ base, summary, lines, needsRestart, reason, problems }))
  const told = await line.send({ method: 'PUT', path, headers: { 'Content-Type': 'application/json' }, body })
  if (told.status >= 500 || told.status === 429) throw statusError(told, line.name)
  return told.status < 300 || told.status === 404
}

/** Never rejects: what is wrong with the text is the answer. */
async function plan(desk: OfferDesk, text: string): Promise<PlanAnswer> {
  try {
    const planned = await desk.plan(text)
    return { ...wordsOfPlan(planned), needsRestart: planned.needsRestart, reason: null, problems: [] }
  } catch (cause) {
    const { context, message } = toTelemetryError(cause)
    return { needsRestart: [], reason: message, problems: problemsIn(context) }
  }
}

export function wordsOfPlan(planned: ConfigurationPlan): PlanWords {
  const lines = planLines(planned).map((line) => (line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE)}…`))
  const left = lines.length - MAX_LINES
  return {
    summary: planWords(planned),
    lines: left <= 0 ? lines : [...lines.slice(0, MAX_LINES), `… and ${left} more`],
  }
}

export function problemsIn({ problems }: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(problems) ? problems.slice(0, MAX_PROBLEMS) : []
}

function textIn(body: Buffer, name: string): string {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null && 'text' in parsed && typeof parsed.text === 'string')
      return parsed.text
  } catch {
    // falls through: it is no JSON
  }
  throw new TelemetryError('PROTOCOL', `${name} asks for a plan of nothing`, { retryable: true })
}
