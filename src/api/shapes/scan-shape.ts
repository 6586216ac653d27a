// Bodies and answers of scans.

import { Type, type Static } from 'typebox'

const closed = { additionalProperties: false } as const
const TABLES = ['holding', 'input', 'coil', 'discrete'] as const
const Scalar = Type.Union([Type.Number(), Type.Boolean(), Type.String()])
const Keys = Type.Record(Type.String(), Scalar)
const Timeout = Type.String({
  minLength: 2,
  maxLength: 16,
  default: '500ms',
  description: 'For each answer: 50ms … 10s.',
})
const SerialPath = Type.String({ minLength: 1, maxLength: 4096, examples: ['/dev/ttyUSB0'] })
const BaudRate = Type.Integer({ minimum: 50, maximum: 4_000_000, default: 9600 })

export const ModbusScanSchema = Type.Object(
  {
    connection: Type.Object(
      {
        transport: Type.Optional(Type.Enum(['tcp', 'rtu', 'rtu-over-tcp'], { default: 'tcp' })),
        host: Type.Optional(
          Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\s/]+$', examples: ['192.0.2.10'] }),
        ),
        port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, default: 502 })),
        path: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'Serial port, for rtu.' })),
        baudRate: Type.Optional(BaudRate),
        parity: Type.Optional(Type.Enum(['none', 'even', 'odd'], { default: 'none' })),
        stopBits: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2)], { default: 1 })),
        timeout: Type.Optional(Timeout),
      },
      { ...closed, description: 'As in gateway.yaml: host for TCP, path for rtu.' },
    ),
    units: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), {
        minItems: 1,
        maxItems: 256,
        description: 'Unit ids. Default: 1 to 10 and 255 by TCP, 1 to 32 on a serial line.',
      }),
    ),
    tables: Type.Optional(Type.Array(Type.Enum([...TABLES]), { minItems: 1, maxItems: 4, default: [...TABLES] })),
    from: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, default: 0, description: 'First address.' })),
    to: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        default: 999,
        description: 'Last address; at most 9999 after from.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2000, default: 200, description: 'Most sensors of a unit.' }),
    ),
  },
  closed,
)

export const OpcuaScanSchema = Type.Object(
  {
    endpoint: Type.String({
      minLength: 1,
      maxLength: 1024,
      // Without credentials: it stands in the audit log.
      pattern: '^opc\\.tcp://[^\\s/@]+(?:/\\S*)?$',
      examples: ['opc.tcp://192.0.2.20:4840'],
    }),
    security: Type.Optional(
      Type.Object(
        {
          policy: Type.Enum(['None', 'Basic256Sha256', 'Aes128', 'Aes256']),
          mode: Type.Optional(Type.Enum(['Sign', 'SignAndEncrypt'])),
        },
        {
          ...closed,
          examples: [{ policy: 'None' }],
          description: 'With a policy the server must be trusted: `telemetryx trust opcua`.',
        },
      ),
    ),
    user: Type.Optional(
      Type.Object(
        { name: Type.String({ minLength: 1, maxLength: 256 }), password: Type.String({ maxLength: 1024 }) },
        { ...closed, description: 'Is not kept.' },
      ),
    ),
    start: Type.Optional(
      Type.String({ minLength: 3, maxLength: 4096, default: 'i=85', description: 'Node id below which to look.' }),
    ),
    depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 32, default: 8 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000, default: 1000, description: 'Most variables.' })),
  },
  closed,
)

export const SerialScanSchema = Type.Union([
  Type.Object(
    {
      listen: Type.Optional(SerialPath),
      seconds: Type.Optional(Type.Number({ minimum: 0.1, maximum: 60, default: 3, description: 'At each baud rate.' })),
      baudRates: Type.Optional(
        Type.Array(BaudRate, {
          minItems: 1,
          maxItems: 16,
          description: 'Default: the common ones.',
          examples: [[9600, 19_200]],
        }),
      ),
    },
    { ...closed, description: 'Without listen the ports of the machine are told.' },
  ),
  Type.Null(),
])

const DeviceSchema = Type.Object(
  {
    config: Type.Object(
      { id: Type.String(), driver: Type.String(), connection: Type.Object({}, { additionalProperties: true }) },
      { additionalProperties: true, description: 'As in gateway.yaml, without its sensors.' },
    ),
    title: Type.String({ description: 'What it says of itself; empty when it says nothing.', examples: [''] }),
    sensors: Type.Array(
      Type.Object({
        config: Keys,
        value: Type.Union([Scalar, Type.Null()], { description: 'What it reads at present; null: not known.' }),
        alternatives: Type.Array(Type.Object({ config: Keys, value: Type.Number() }), {
          description: 'Other readings of the same bytes: keys beside those of config.',
        }),
      }),
    ),
    left: Type.Integer({ minimum: 0, description: 'Sensors left out because of the limit.' }),
    notes: Type.Array(Type.String()),
  },
  { description: 'A device as it could stand in gateway.yaml.' },
)

/** One line of the answer. */
export const ScanLineSchema = Type.Union(
  [
    Type.Object({ type: Type.Literal('progress'), text: Type.String() }),
    Type.Object({ type: Type.Literal('device'), device: DeviceSchema }),
    Type.Object({
      type: Type.Literal('port'),
      port: Type.Object({
        path: Type.String(),
        byId: Type.Union([Type.String(), Type.Null()]),
        manufacturer: Type.String(),
        product: Type.String(),
        serialNumber: Type.String(),
        usedBy: Type.Union([Type.String(), Type.Null()], { description: 'The device that has it.' }),
      }),
    }),
    Type.Object({
      type: Type.Literal('heard'),
      heard: Type.Object({
        baudRate: Type.Integer(),
        bytes: Type.Integer(),
        printable: Type.Number(),
        parity: Type.String(),
        sample: Type.String(),
      }),
    }),
    Type.Object({ type: Type.Literal('end'), isCut: Type.Boolean(), notes: Type.Array(Type.String()) }),
    Type.Object({ type: Type.Literal('failed'), code: Type.String(), detail: Type.String() }),
  ],
  { description: 'Each line is one of these; `end` or `failed` is the last.' },
)

export type ModbusScanBody = Static<typeof ModbusScanSchema>
