// The configuration on the wire: what is in force, plans, revisions.

import { Type } from 'typebox'
import type {
  AppliedConfiguration,
  ConfigurationPlan,
  PresentConfiguration,
  Revision,
  RevisionHead,
} from '#domain/configuration.ts'
import { planLines, planWords } from '#domain/plan-words.ts'
import { isoTime, TimeSchema } from '../time.ts'

const NullableString = Type.Union([Type.String(), Type.Null()])
const NullableTime = Type.Union([TimeSchema, Type.Null()])

export const TextProblemSchema = Type.Object({
  file: Type.String(),
  line: Type.Integer({ description: 'From 1.' }),
  column: Type.Integer({ description: 'From 1, in UTF-16 units as editors count.' }),
  message: Type.String(),
})

export const PlanSchema = Type.Object(
  {
    summary: Type.String({ description: 'In one line.' }),
    lines: Type.Array(Type.String(), { description: 'In words, an entry for each change.' }),
    changes: Type.Array(
      Type.Object({
        kind: Type.Enum(['device', 'sensor', 'derived', 'uplink', 'setting']),
        id: Type.String(),
        change: Type.Enum(['added', 'removed', 'changed']),
        effect: Type.Enum(['starts', 'stops', 'restarts', 'live', 'needsRestart'], {
          description: 'live: taken up while everything runs. needsRestart: of the gateway.',
        }),
        keys: Type.Array(
          Type.Object({
            key: Type.String({ examples: ['connection.host', 'checks.threshold.high'] }),
            before: Type.Union([Type.String(), Type.Null()], {
              description: 'References and secrets are not resolved.',
            }),
            after: NullableString,
          }),
        ),
      }),
    ),
    undisturbed: Type.Object({ devices: Type.Integer(), uplinks: Type.Integer() }),
    needsRestart: Type.Array(Type.String(), { description: 'Keys for which nothing of it can be applied.' }),
  },
  { description: 'What applying it does' },
)

export const RevisionHeadSchema = Type.Object({
  number: Type.Integer(),
  time: TimeSchema,
  by: Type.String(),
  origin: Type.Enum(['start', 'file', 'api', 'cli', 'central', 'rollback']),
  comment: NullableString,
  hash: Type.String(),
  state: Type.Enum(['applying', 'watched', 'kept', 'replaced', 'rolledBack', 'failed']),
  reason: NullableString,
})

export const RevisionSchema = Type.Object({ ...RevisionHeadSchema.properties, text: Type.String() })

export const PresentSchema = Type.Object({
  text: Type.String({ description: 'The YAML; literal secrets are masked.' }),
  etag: Type.String({ description: 'For If-Match.' }),
  revision: RevisionHeadSchema,
  file: Type.String(),
  fileState: Type.Enum(['same', 'changed', 'missing', 'unreadable'], {
    description: 'changed: the file was edited and not taken up.',
  }),
  watchedUntil: NullableTime,
})

export const AppliedSchema = Type.Object({
  revision: Type.Integer(),
  isChanged: Type.Boolean({ description: 'false: it is what is in force already; there is no new revision.' }),
  plan: PlanSchema,
  watchedUntil: Type.Union([TimeSchema, Type.Null()], {
    description: 'Until then the change is taken back when the gateway is worse for it; the revision then says so.',
  }),
  storedSecrets: Type.Array(Type.String(), { description: 'Names of the secrets that went into the store.' }),
})

export function planShape(plan: ConfigurationPlan) {
  const { undisturbed, needsRestart } = plan
  const changes = plan.changes.map(({ kind, id, change, effect, keys }) => ({
    kind,
    id,
    change,
    effect,
    keys: keys.map(({ key, before, after }) => ({ key, before, after })),
  }))
  return {
    summary: planWords(plan),
    lines: planLines(plan),
    changes,
    undisturbed: { ...undisturbed },
    needsRestart: [...needsRestart],
  }
}

export function revisionHeadShape({ number, time, by, origin, comment, hash, state, reason }: RevisionHead) {
  return { number, time: isoTime(time), by, origin, comment, hash, state, reason }
}

export function revisionShape(revision: Revision) {
  return { ...revisionHeadShape(revision), text: revision.text }
}

export function presentShape({ text, etag, revision, file, fileState, watchedUntil }: PresentConfiguration) {
  return { text, etag, revision: revisionHeadShape(revision), file, fileState, watchedUntil: timeOf(watchedUntil) }
}

export function appliedShape({ revision, isChanged, plan, watchedUntil, stored = [] }: AppliedConfiguration) {
  return { revision, isChanged, plan: planShape(plan), watchedUntil: timeOf(watchedUntil), storedSecrets: [...stored] }
}

function timeOf(time: number | null): string | null {
  return time === null ? null : isoTime(time)
}
