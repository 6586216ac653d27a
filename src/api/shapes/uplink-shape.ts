// Uplinks on the wire: state, lanes, ledger; and the records that their receivers refused.

import { Type, type Static } from 'typebox'
import type { KeptLetter } from '#domain/dead-letter.ts'
import { qualityOf, statusName } from '#domain/quality.ts'
import { ENTRY } from '#domain/reading.ts'
import type { Model } from '#domain/sensor.ts'
import type { UplinkStatus } from '#domain/uplink.ts'
import { jsonValue } from '#domain/value.ts'
import { letterBatch } from '#kit/letter-batch.ts'
import { valueAt } from '#kit/record-batch.ts'
import { isoTime, isoTimeOrNull, NullableTimeSchema, TimeSchema } from '../time.ts'
import { ValueSchema } from './reading-shape.ts'

const NullableString = Type.Union([Type.String(), Type.Null()])

const LaneSchema = Type.Object({
  lane: Type.Enum(['inOrder', 'live', 'backlog']),
  cursor: Type.String({ description: '`epoch/seq` of its last settled record.' }),
  pending: Type.Integer(),
})

const BreakerSchema = Type.Object(
  {
    state: Type.Enum(['closed', 'open', 'halfOpen']),
    failures: Type.Integer({ description: 'Failures in a row.' }),
    retryAt: NullableTimeSchema,
  },
  { description: 'open: nothing is tried until `retryAt`. halfOpen: a try with few records is under way.' },
)

export const UplinkSchema = Type.Object(
  {
    id: Type.String(),
    type: Type.String(),
    state: Type.Enum(['connecting', 'online', 'waiting', 'retrying', 'stopped']),
    reason: NullableString,
    cursor: Type.String({ description: '`epoch/seq` up to which everything is settled.' }),
    accepted: Type.Integer(),
    delivered: Type.Integer(),
    pending: Type.Integer(),
    rejected: Type.Integer({ description: 'Refused by the receiver for good; kept as dead letters.' }),
    dropped: Type.Record(Type.String(), Type.Number(), {
      description: 'By reason. `filtered` is no loss: the uplink does not want them.',
    }),
    oldestPendingAge: Type.Number({ description: 'Seconds.' }),
    lanes: Type.Array(LaneSchema, { description: 'With liveFirst two: live, and what waited.' }),
    breaker: BreakerSchema,
    deadLetters: Type.Integer({ description: 'Refused records that are kept.' }),
    replayRate: Type.Number({ description: 'Historical records delivered a second, over the last ten seconds.' }),
  },
  { description: 'accepted = delivered + pending + rejected + the sum of dropped, always.' },
)

export function uplinkShape(status: UplinkStatus): Static<typeof UplinkSchema> {
  const { dropped, filtered, lanes, breaker, deadLetters, replayRate, ...plain } = status
  return {
    ...plain,
    dropped: filtered > 0 ? { filtered, ...dropped } : { ...dropped },
    lanes: (lanes ?? []).map((lane) => ({ ...lane })),
    breaker: {
      state: breaker?.state ?? 'closed',
      failures: breaker?.failures ?? 0,
      retryAt: isoTimeOrNull(breaker?.retryAt ?? null),
    },
    deadLetters: deadLetters ?? 0,
    replayRate: replayRate ?? 0,
  }
}

export const LetterSchema = Type.Object(
  {
    id: Type.Integer(),
    position: Type.String({ description: '`epoch/seq` of the record.' }),
    kind: Type.Enum(['reading', 'alarm', 'event']),
    sensor: Type.Union([Type.String(), Type.Null()], { description: 'null: an event, or no longer configured.' }),
    value: ValueSchema,
    quality: Type.Union([Type.Enum(['good', 'uncertain', 'bad']), Type.Null()]),
    status: NullableString,
    message: Type.Union([Type.String(), Type.Null()], { description: 'Of an alarm or event.' }),
    time: TimeSchema,
    receivedAt: TimeSchema,
    reason: Type.String({ description: "The receiver's words." }),
    rejectedAt: TimeSchema,
    attempts: Type.Integer({ description: 'How often it was refused.' }),
  },
  { description: 'A record that the receiver refused for good.' },
)

export function letterShape(letter: KeptLetter, model: Model): Static<typeof LetterSchema> {
  const { id, epoch, seq, receivedAt, sourceTime, reason, rejectedAt, attempts } = letter
  return {
    id,
    position: `${epoch}/${seq}`,
    ...(letter.sensor === ENTRY ? entryShape(letter) : readingShape(letter, model)),
    time: isoTime(sourceTime ?? receivedAt),
    receivedAt: isoTime(receivedAt),
    reason,
    rejectedAt: isoTime(rejectedAt),
    attempts,
  }
}

type What = Pick<Static<typeof LetterSchema>, 'kind' | 'sensor' | 'value' | 'quality' | 'status' | 'message'>

function readingShape(letter: KeptLetter, model: Model): What {
  const sensor = model.sensorAt(letter.sensor)
  const value = sensor ? jsonValue(valueAt(letterBatch(letter), 0, sensor.valueType)) : null
  const { status } = letter
  const graded = { quality: qualityOf(status), status: statusName(status) }
  return { kind: 'reading', sensor: sensor?.id ?? null, value, ...graded, message: null }
}

function entryShape({ text }: KeptLetter): What {
  const { kind, message, alarm } = entryOf(text)
  const nothing = { value: null, quality: null, status: null }
  return kind === 'alarm'
    ? { kind: 'alarm', sensor: alarm?.sensor ?? null, ...nothing, message: alarm?.message ?? null }
    : { kind: 'event', sensor: null, ...nothing, message: message ?? null }
}

interface EntryHead {
  readonly kind?: string
  readonly message?: string
  readonly alarm?: { readonly sensor?: string; readonly message?: string }
}

/** Written by the pipeline; another version's may lack something. */
function entryOf(text: string | null): EntryHead {
  try {
    return JSON.parse(text ?? '{}') as EntryHead
  } catch {
    return {}
  }
}
