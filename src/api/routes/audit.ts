// The audit log: who changed what, from where, before and after. For administrators.

import { Type } from 'typebox'
import type { AuditEntry } from '#domain/audit.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { decodeCursor, encodeCursor, pageOf, pageParameters } from '../paging.ts'
import { invalid } from '../problem.ts'
import { isoTime, rangeParameters, readRange, TimeSchema } from '../time.ts'

const NullableText = Type.Union([Type.String(), Type.Null()])

const EntrySchema = Type.Object({
  seq: Type.Integer({ minimum: 1, description: 'Grows by one with each entry, for ever.' }),
  time: TimeSchema,
  action: Type.String({ examples: ['user.add', 'sensor.write'] }),
  target: NullableText,
  who: Type.String({ description: 'User name, or `token:NAME`.' }),
  via: Type.String({ description: 'How the caller proved who it is: session, token, local.' }),
  from: Type.Union([Type.String(), Type.Null()], { description: 'Address of the caller.' }),
  outcome: Type.Enum(['done', 'refused', 'failed']),
  before: Type.Unknown(),
  after: Type.Unknown(),
  suppressed: Type.Integer({ minimum: 0, description: 'Refusals that a limit kept out of the log before this entry.' }),
})

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 256, description }))

export function registerAudit(app: ApiServer, context: ApiContext): void {
  const { audit, queries, options } = context
  app.get(
    '/api/v1/audit',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['accounts'],
        summary: 'Who changed what, newest first',
        querystring: Type.Object(
          {
            ...rangeParameters,
            who: text('User name, or `token:NAME`, exactly.'),
            action: text('An action, or its first word: `user` finds `user.add`.'),
            target: text('What was changed, exactly.'),
            ...pageParameters({ max: 1000, default: 100 }),
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(EntrySchema, 'Entries, newest first') },
      },
    },
    async ({ query }) => {
      const { who, action, target, limit, cursor } = query
      const range = readRange({ from: query.from ?? '1970-01-01T00:00Z', to: query.to ?? '+1s' }, options.clock.now())
      const page = await queries.run(() =>
        audit.list({
          ...range,
          who: who ?? null,
          action: action ?? null,
          target: target ?? null,
          before: cursor === undefined ? null : readCursor(cursor),
          limit: limit ?? 100,
        }),
      )
      return { items: page.items.map(shape), next: page.next === null ? null : encodeCursor(String(page.next)) }
    },
  )

  app.get(
    '/api/v1/audit/integrity',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['accounts'],
        summary: 'Whether every entry is as it was written',
        response: {
          200: Type.Object({
            intact: Type.Boolean(),
            fault: Type.Union([Type.Object({ seq: Type.Integer(), message: Type.String() }), Type.Null()]),
          }),
        },
      },
    },
    async () => {
      const fault = await queries.run(() => audit.verify())
      return { intact: fault === null, fault }
    },
  )
}

function readCursor(cursor: string): number {
  const seq = Number(decodeCursor(cursor))
  if (!Number.isSafeInteger(seq) || seq < 1) throw invalid('query.cursor', 'is not a cursor that this API gave')
  return seq
}

function shape(entry: AuditEntry) {
  const { seq, time, action, target, who, via, from, outcome, before, after, suppressed } = entry
  return { seq, time: isoTime(time), action, target, who, via, from, outcome, before, after, suppressed }
}
