// The YAML of simulated devices. Type, validation, JSON Schema and reference come from here.

import { Type, type StaticDecode, type TProperties } from 'typebox'
import { durationSchema, idSchema, strictObject } from '#domain/schema.ts'
import { POINT_TYPES } from './modbus-points.ts'

function words<const W extends readonly string[]>(all: W, annotations: { description: string; default?: W[number] }) {
  return Type.Unsafe<W[number]>({ type: 'string', enum: [...all], ...annotations })
}

const number = (description: string, fallback?: number) =>
  Type.Number({ description, ...(fallback === undefined ? {} : { default: fallback }) })

const noise = Type.Optional(
  Type.Number({ minimum: 0, description: 'Random deviation that is added (standard deviation).' }),
)

const period = durationSchema({ default: '1m', description: 'Time of one turn.' })

export const SignalSchema = Type.Union([
  strictObject({
    type: Type.Literal('sine'),
    mean: number('Middle.', 0),
    amplitude: number('Highest deviation from the middle.', 1),
    period,
    phase: number('Part of a turn by which it is ahead, 0 to 1.', 0),
    noise,
  }),
  strictObject({
    type: Type.Literal('ramp'),
    from: number('Value at the beginning of each turn.', 0),
    to: number('Value at its end.', 100),
    period,
    noise,
  }),
  strictObject({
    type: Type.Literal('counter'),
    start: number('Value at the start.', 0),
    perSecond: number('Growth each second.', 1),
    noise,
  }),
  strictObject({
    type: Type.Literal('square'),
    low: number('Lower value.', 0),
    high: number('Upper value, with which a turn begins.', 1),
    period,
    duty: Type.Number({ minimum: 0, maximum: 1, default: 0.5, description: 'Part of a turn for which it is up.' }),
    noise,
  }),
  strictObject({
    type: Type.Literal('noise'),
    mean: number('Middle.', 0),
    deviation: Type.Number({ minimum: 0, default: 1, description: 'Standard deviation.' }),
    noise,
  }),
  strictObject({
    type: Type.Literal('walk'),
    start: number('Value at the start.', 0),
    step: Type.Number({ minimum: 0, default: 1, description: 'Standard deviation after one second.' }),
    min: number('Lowest value.', -1e9),
    max: number('Highest value.', 1e9),
    noise,
  }),
  strictObject({
    type: Type.Literal('replay'),
    file: Type.String({
      minLength: 1,
      description: 'CSV file whose first line names its columns; relative to this file.',
    }),
    column: Type.String({ minLength: 1, description: 'Column of the values.' }),
    time: Type.Optional(
      Type.String({
        description:
          'Column of the times (ISO 8601 or Unix seconds or milliseconds); without it one row comes for each interval.',
      }),
    ),
    interval: durationSchema({ default: '1s', description: 'Time between two rows without a column of times.' }),
    loop: Type.Boolean({ default: true, description: 'Begins again at the end.' }),
    noise,
  }),
])

const common = {
  id: idSchema({ description: 'Name of the point.' }),
  signal: Type.Optional(SignalSchema),
  value: Type.Optional(
    Type.Union([Type.Number(), Type.Boolean(), Type.String()], {
      description: 'Instead of a signal: the value at the start, which stays until somebody writes another. Default 0.',
    }),
  ),
  decimals: Type.Optional(Type.Integer({ minimum: 0, maximum: 15, description: 'Digits behind the decimal point.' })),
}

const times = {
  at: durationSchema({ default: '0s', description: 'When it begins, from the start of the simulation.' }),
  for: Type.Optional(durationSchema({ description: 'How long it lasts; default: to the end.' })),
  every: Type.Optional(durationSchema({ description: 'It begins anew after this time; default: it comes once.' })),
}

const point = idSchema({ description: 'The point that has it.' })

export const FaultSchema = Type.Union([
  strictObject({ type: Type.Literal('silence'), ...times }, { description: 'Nothing is answered or sent.' }),
  strictObject(
    { type: Type.Literal('hang-up'), ...times },
    { description: 'Connections are closed; a serial port is unplugged.' },
  ),
  strictObject(
    { type: Type.Literal('late'), delay: durationSchema({ default: '2s', description: 'By how much.' }), ...times },
    { description: 'Answers come late.' },
  ),
  strictObject({ type: Type.Literal('garbage'), ...times }, { description: 'Random bytes come instead.' }),
  strictObject({ type: Type.Literal('half-frame'), ...times }, { description: 'The second half never comes.' }),
  strictObject({ type: Type.Literal('wrong-unit'), ...times }, { description: 'Another Modbus unit seems to answer.' }),
  strictObject(
    { type: Type.Literal('wrong-transaction'), ...times },
    { description: 'The answer to another request.' },
  ),
  strictObject(
    {
      type: Type.Literal('exception'),
      code: Type.Integer({
        minimum: 1,
        maximum: 255,
        default: 4,
        description: 'Exception code of Modbus; OPC UA answers BadDeviceFailure.',
      }),
      ...times,
    },
    { description: 'Requests are refused.' },
  ),
  strictObject({ type: Type.Literal('refuse'), ...times }, { description: 'Nobody listens: connections are refused.' }),
  strictObject({ type: Type.Literal('stuck'), point, ...times }, { description: 'The value stands still.' }),
  strictObject(
    { type: Type.Literal('spike'), point, by: number('What is added.'), ...times },
    { description: 'The value is off.' },
  ),
  strictObject(
    { type: Type.Literal('drift'), point, perSecond: number('What is added for each second that it lasts.'), ...times },
    { description: 'The value moves away.' },
  ),
])

const port = (fallback: number) =>
  Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: fallback,
    description: 'TCP port; 0: a free one, which is printed.',
  })

const host = Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address on which it listens.' })

const serialLine = {
  path: Type.String({
    minLength: 1,
    description: 'Where the port appears, as a pseudo-terminal (needs socat), or a serial port of this machine.',
    examples: ['/tmp/scale'],
  }),
  baudRate: Type.Integer({ minimum: 50, maximum: 4_000_000, default: 9600, description: 'Of a real port.' }),
  parity: words(['none', 'even', 'odd'], { default: 'none', description: 'Of a real port.' }),
}

const modbusUnit = {
  unit: Type.Integer({
    minimum: 0,
    maximum: 255,
    default: 1,
    description: 'Unit id. Devices with the same port or path share it.',
  }),
  holes: words(['zero', 'refuse'], {
    default: 'zero',
    description: 'Addresses without a point: read as 0, or refused with exception 2.',
  }),
  identity: Type.Optional(
    strictObject(
      {
        vendor: Type.String({ maxLength: 60, description: 'VendorName.' }),
        product: Type.String({ maxLength: 60, description: 'ProductCode.' }),
        revision: Type.String({ maxLength: 60, default: '1.0', description: 'MajorMinorRevision.' }),
      },
      { description: 'What function 43 answers; without it that function is unknown to the device.' },
    ),
  ),
  points: Type.Array(
    strictObject({
      ...common,
      register: words(['coil', 'discrete', 'input', 'holding'], { description: 'Table.' }),
      address: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Counted from 0.' }),
      type: Type.Optional(words(POINT_TYPES, { description: 'Default: bool for coil and discrete, else uint16.' })),
      order: words(['ABCD', 'CDAB', 'BADC', 'DCBA'], {
        default: 'ABCD',
        description: 'Order of the bytes on the wire.',
      }),
      factor: Type.Number({ exclusiveMinimum: 0, default: 1, description: 'The register holds value / factor.' }),
    }),
    { description: 'What can be read.' },
  ),
}

const every = durationSchema({ default: '1s', description: 'How often it sends.' })

function device<const N extends string, P extends TProperties>(protocol: N, description: string, properties: P) {
  return strictObject(
    {
      id: idSchema({ description: 'Name of the device, for messages.' }),
      protocol: Type.Literal(protocol),
      ...properties,
      faults: Type.Optional(Type.Array(FaultSchema, { description: 'What goes wrong, and when.' })),
    },
    { description },
  )
}

export const ModbusTcpSchema = device('modbus-tcp', 'A Modbus TCP server.', { host, port: port(5020), ...modbusUnit })
export const ModbusRtuSchema = device('modbus-rtu', 'A Modbus unit on a serial line.', { ...serialLine, ...modbusUnit })
export const OpcuaSchema = device(
  'opcua',
  'An OPC UA server; a point is the node nsu=urn:telemetryx:simulation;s=DEVICE.POINT.',
  {
    port: port(4840),
    every: durationSchema({ default: '250ms', description: 'How often values change.' }),
    points: Type.Array(
      strictObject({
        ...common,
        type: words(['double', 'float', 'int32', 'uint32', 'boolean', 'string'], {
          default: 'double',
          description: 'Data type.',
        }),
        unit: Type.Optional(Type.String({ maxLength: 40, description: 'Engineering unit.' })),
      }),
      { description: 'Variables; those without a signal can be written.' },
    ),
  },
)
export const MqttSchema = device('mqtt', 'A publisher.', {
  url: Type.String({
    pattern: '^mqtts?://',
    description: 'Broker, for example mqtt://127.0.0.1:1883.',
    examples: ['mqtt://127.0.0.1:1883'],
  }),
  every,
  qos: Type.Integer({ minimum: 0, maximum: 1, default: 1, description: 'Quality of service.' }),
  retain: Type.Boolean({ default: false, description: 'The broker keeps the last message.' }),
  points: Type.Array(
    strictObject({
      ...common,
      topic: Type.String({
        minLength: 1,
        pattern: '^[^+#]+$',
        description: 'Where it is published, without wildcards.',
      }),
      payload: Type.String({
        default: '{value}',
        description: 'Text with {value}, {time} (Unix milliseconds) and {iso}.',
      }),
    }),
    { description: 'What is published.' },
  ),
})
export const SerialSchema = device('serial', 'An instrument on a serial line.', {
  ...serialLine,
  dataBits: Type.Union([Type.Literal(7), Type.Literal(8)], { default: 8, description: 'Of a real port.' }),
  request: Type.Optional(
    Type.String({ minLength: 1, description: 'It answers to this; without it it sends by itself.' }),
  ),
  every,
  answer: Type.String({
    minLength: 1,
    description:
      'What it sends, with {point} for a value; {point:8.2} is 8 wide with 2 decimals, {point:S:U} is S when it is not 0, else U.',
  }),
  points: Type.Array(strictObject(common), { description: 'What stands in the answer.' }),
})
export const HttpSchema = device('http', 'A program that posts readings to a gateway.', {
  url: Type.String({
    pattern: '^https?://',
    description: 'For example http://127.0.0.1:8080/api/v1/ingest/apps.',
    examples: ['http://127.0.0.1:8080/api/v1/ingest/apps'],
  }),
  token: Type.Optional(Type.String({ secret: true, description: 'Of a user who may ingest.' })),
  every,
  points: Type.Array(strictObject(common), { description: 'Readings of each post.' }),
})
export const ReplaySchema = device('replay', 'A Modbus device that answers as a recorded one did.', {
  host,
  port: port(5020),
  framing: words(['tcp', 'rtu'], { default: 'tcp', description: 'tcp: Modbus TCP; rtu: RTU frames through TCP.' }),
  frames: Type.String({
    minLength: 1,
    description: 'File with what GET /api/v1/devices/{id}/frames answered; relative to this file.',
  }),
})

export const DEVICE_SCHEMAS = [
  ModbusTcpSchema,
  ModbusRtuSchema,
  OpcuaSchema,
  MqttSchema,
  SerialSchema,
  HttpSchema,
  ReplaySchema,
] as const

export const SimulationSchema = strictObject({
  version: Type.Literal(1, { default: 1, description: 'Version of this form.' }),
  seed: Type.Integer({
    minimum: 0,
    default: 1,
    description: 'Of everything random: the same seed gives the same values.',
  }),
  devices: Type.Array(Type.Union([...DEVICE_SCHEMAS]), { minItems: 1, description: 'The devices.' }),
})

export type SimulationSpec = StaticDecode<typeof SimulationSchema>
export type DeviceSpec = SimulationSpec['devices'][number]
export type FaultSpec = StaticDecode<typeof FaultSchema>
export type SignalConfig = StaticDecode<typeof SignalSchema>
