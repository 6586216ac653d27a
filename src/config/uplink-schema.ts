// Keys that every uplink has, whatever its type.

import { Type } from 'typebox'
import { durationSchema, idSchema, section, strictObject } from '#domain/schema.ts'

const pattern = Type.String({ minLength: 1 })

const ReplaySchema = section(
  {
    order: Type.Union([Type.Literal('inOrder'), Type.Literal('liveFirst')], {
      default: 'inOrder',
      description:
        'inOrder: strictly by position, oldest first. liveFirst: alarms, events and live readings at once, the backlog in a second lane.',
    }),
    maxRate: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Most records per second while catching up. Default: no limit.' }),
    ),
  },
  { description: 'What happens with the records kept while the receiver was away.' },
)

const BatchSchema = section(
  {
    records: Type.Integer({ minimum: 1, maximum: 10_000, default: 500, description: 'Most records of a batch.' }),
    delay: durationSchema({
      default: '0',
      description: 'How long records wait for their batch to become full, at most 1m. 0: they leave at once.',
    }),
  },
  { description: 'How records are put together.' },
)

const MapSchema = strictObject({
  sensor: Type.String({
    minLength: 1,
    description: 'Full ids in which `*` stands for any characters. The first entry that fits counts.',
    examples: ['press-*.oil-temperature'],
  }),
  as: Type.Optional(
    Type.String({
      minLength: 3,
      maxLength: 129,
      description: 'New full id; its `*`s stand for what those of `sensor` matched, in order. Default: as it is.',
      examples: ['line-*.temp'],
    }),
  ),
  machine: Type.Optional(idSchema({ description: 'New machine id. Default: as it is.' })),
})

const CommandsSchema = strictObject(
  {
    allow: Type.Array(
      Type.Union([Type.Literal('write'), Type.Literal('read'), Type.Literal('acknowledge'), Type.Literal('check')]),
      { minItems: 1, description: 'What the receiver may ask for.' },
    ),
    write: Type.Array(pattern, {
      default: ['*'],
      description: 'Sensors that may be written, of those that are `writable`; ids of this gateway, before `map`.',
    }),
    maxAge: durationSchema({
      default: '30s',
      description: 'A command that was sent longer ago is refused, 1s to 1d. The clocks of both ends must agree.',
    }),
  },
  {
    description:
      'Commands of the receiver: writes, reads, acknowledging alarms, checking a configuration. Off by default.',
  },
)

const DeadLettersSchema = section(
  {
    max: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 10_000,
      description: 'Most refused records that are kept; of more the oldest are given up and counted.',
    }),
  },
  { description: 'Records that the receiver refused for good.' },
)

export const UplinkCommonSchema = strictObject({
  id: idSchema({ description: 'Names the uplink; its position in the journal is kept under this name.' }),
  type: Type.String({ description: 'Where it forwards to.' }),
  include: Type.Array(pattern, {
    default: ['*'],
    description: 'Sensors to forward: full ids in which `*` stands for any characters, for example `press-*.*`.',
  }),
  exclude: Type.Array(pattern, { default: [], description: 'Sensors not to forward, of those included.' }),
  map: Type.Array(MapSchema, { default: [], description: 'Other names of sensors for this receiver.' }),
  replay: ReplaySchema,
  batch: BatchSchema,
  inFlight: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 4,
    description: 'Batches that may be under way without an acknowledgement.',
  }),
  commands: Type.Optional(CommandsSchema),
  deadLetters: DeadLettersSchema,
})
