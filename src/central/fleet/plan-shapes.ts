// What a configuration would change at a gateway, on the wire: as people and programs read it, and as the gateway says it.

import { Type, type Static } from 'typebox'
import { isoTime, isoTimeOrNull, NullableTimeSchema, TimeSchema } from '#api/time.ts'
import type { JsonValue } from '#domain/value.ts'
import { PLAN_WAITS_MS, type PlanAnswer, type PlanQuestion } from '../plan-record.ts'

const NullableText = Type.Union([Type.String(), Type.Null()])
const MAX_PROBLEMS = 50
const MAX_LINES = 500
const MAX_LINE = 1000
const MAX_BYTES = 256 * 1024

export const PlanQuestionSchema = Type.Object({
  plan: Type.String({ examples: ['p3'] }),
  by: Type.String(),
  askedAt: TimeSchema,
  state: Type.Enum(['waiting', 'overdue', 'planned', 'refused'], {
    description:
      'waiting: the gateway has not said anything yet. overdue: it did not for an hour, and is no longer asked. planned: it would take the configuration, if `needsRestart` is empty. refused: it would not.',
  }),
  answeredAt: NullableTimeSchema,
  summary: NullableText,
  lines: Type.Array(Type.String(), { description: 'One for each change, as `telemetryx plan` prints it.' }),
  needsRestart: Type.Array(Type.String(), {
    description: 'Keys that only a restart of the gateway takes up: while there are any, an offer is refused.',
  }),
  reason: NullableText,
  problems: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
    description: 'Why it would be refused: file, line, column, message.',
  }),
})

export function planQuestionShape(question: PlanQuestion, now: number): Static<typeof PlanQuestionSchema> {
  const { answer, answeredAt, askedAt, by, plan } = question
  return {
    plan,
    by,
    askedAt: isoTime(askedAt),
    state: stateOf(question, now),
    answeredAt: isoTimeOrNull(answeredAt),
    summary: answer?.summary ?? null,
    lines: [...(answer?.lines ?? [])],
    needsRestart: [...(answer?.needsRestart ?? [])],
    reason: answer?.reason ?? null,
    problems: (answer?.problems ?? []).map((problem) => ({ ...problem })),
  }
}

function stateOf({ answer, askedAt }: PlanQuestion, now: number): Static<typeof PlanQuestionSchema>['state'] {
  if (answer !== null) return answer.reason === null ? 'planned' : 'refused'
  return now - askedAt < PLAN_WAITS_MS ? 'waiting' : 'overdue'
}

/** As the gateway says it. */
export const PlanAnswerBody = Type.Object({
  base: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()])),
  summary: Type.Union([Type.String({ maxLength: 4000 }), Type.Null()]),
  lines: Type.Array(Type.String(), { maxItems: 10_000 }),
  needsRestart: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 100 }),
  reason: Type.Union([Type.String({ maxLength: 4000 }), Type.Null()]),
  problems: Type.Array(Type.Record(Type.String(), Type.Unknown())),
})

/** Shortened to what is kept of it. */
export function planAnswerOf(body: Static<typeof PlanAnswerBody>): PlanAnswer {
  const { base = null, lines, needsRestart, problems, reason, summary } = body
  let kept = lines.slice(0, MAX_LINES).map(shortened)
  while (Buffer.byteLength(JSON.stringify(kept)) > MAX_BYTES) kept = kept.slice(0, kept.length >> 1)
  const left = lines.length - kept.length
  return {
    base,
    summary,
    lines: left === 0 ? kept : [...kept, `… and ${left} more`],
    needsRestart,
    reason,
    problems: plainProblems(problems),
  }
}

function shortened(line: string): string {
  return line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE)}…`
}

/** Words and numbers only: what stands there is shown to people. */
export function plainProblems(problems: readonly Record<string, unknown>[]): Record<string, JsonValue>[] {
  return problems.slice(0, MAX_PROBLEMS).map((problem) => {
    const plain = Object.entries(problem).flatMap(([key, value]): [string, JsonValue][] => {
      if (typeof value === 'string') return [[key.slice(0, 40), value.slice(0, 1000)]]
      return typeof value === 'number' || typeof value === 'boolean' ? [[key.slice(0, 40), value]] : []
    })
    return Object.fromEntries(plain.slice(0, 10))
  })
}
