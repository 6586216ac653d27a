// The YAML of a serial device and of its sensors. Type, validation, JSON Schema and reference come from here.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, strictObject } from '#domain/schema.ts'
import { DEFAULT_BAUD_RATE } from '#kit/serial-port.ts'

export const DEFAULT_MAX_BYTES = 4096
export const DEFAULT_TIMEOUT_MS = 1000
/** A pause of a second within a frame means that the rest will not come; USB adapters pause some 20 ms. */
export const DEFAULT_MAX_PAUSE_MS = 1000
/** Frames of a fixed length are told apart by pauses alone when they come unasked, so here it must be shorter than between two frames. */
export const DEFAULT_LENGTH_PAUSE_MS = 50
const LONGEST_FRAME = 65_536

const ConnectionSchema = strictObject(
  {
    path: Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        'The port. A name under /dev/serial/by-id stays the same when adapters are plugged in another order.',
      examples: ['/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A5XK3RJT-if00-port0'],
    }),
    baudRate: Type.Optional(
      Type.Integer({ minimum: 50, maximum: 4_000_000, default: DEFAULT_BAUD_RATE, description: 'Bits per second.' }),
    ),
    parity: Type.Optional(
      Type.Union([Type.Literal('none'), Type.Literal('even'), Type.Literal('odd')], {
        default: 'none',
        description: 'Parity bit.',
      }),
    ),
    dataBits: Type.Optional(
      Type.Union([Type.Literal(5), Type.Literal(6), Type.Literal(7), Type.Literal(8)], {
        default: 8,
        description: 'Bits of a character, without parity.',
      }),
    ),
    stopBits: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(2)], { default: 1, description: 'Stop bits.' })),
  },
  { description: 'The serial port. Devices that are asked may share one; its settings are then the same.' },
)

const FramingSchema = strictObject(
  {
    delimiter: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 16,
        description: 'Bytes that end each frame. Escapes as YAML has them in double quotes: "\\r\\n", "\\x03".',
        examples: ['\r\n'],
      }),
    ),
    length: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LONGEST_FRAME,
        description: 'Bytes of each frame, if all are equally long.',
      }),
    ),
    start: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 16,
        description: 'Bytes that begin each frame; with end.',
        examples: ['\x02'],
      }),
    ),
    end: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 16,
        description: 'Bytes that end each frame; with start.',
        examples: ['\x03'],
      }),
    ),
    maxBytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LONGEST_FRAME,
        description: `Longest frame, without its delimiters. A longer one is dropped. Default ${DEFAULT_MAX_BYTES}.`,
      }),
    ),
    maxPause: Type.Optional(
      durationSchema({
        description:
          'Longest pause within a frame: after it what had begun is dropped, and the next byte begins a new frame. Default 1s, 50ms with length.',
      }),
    ),
  },
  { description: 'How frames are told apart: delimiter, or length, or start and end.' },
)

const RequestSchema = strictObject(
  {
    send: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        description: 'What the device is sent to make it answer. May be left out when every sensor has its own.',
        examples: ['P\r\n'],
      }),
    ),
    every: Type.Optional(
      durationSchema({ description: 'How often; default: poll of the device. poll of a sensor goes first.' }),
    ),
    timeout: Type.Optional(durationSchema({ default: '1s', description: 'Longest wait for a whole answer.' })),
  },
  { description: 'Ask, then read. Without it the device sends by itself.' },
)

const ParseSchema = strictObject(
  {
    pattern: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1000,
        description: 'Regular expression (JavaScript) with named groups, which are the fields: (?<weight>[0-9.]+).',
        examples: ['^(?<stable>[SU]) +(?<weight>-?[0-9.]+) *(?<unit>kg|g)$'],
      }),
    ),
    type: Type.Optional(
      Type.Union([Type.Literal('csv'), Type.Literal('json')], { description: 'Instead of a pattern.' }),
    ),
    separator: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1, description: 'Between the columns of csv. Default: a comma.' }),
    ),
    columns: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
        minItems: 1,
        maxItems: 1000,
        description: 'Names of the columns of csv, in order. Without it fields are column numbers, from 1.',
      }),
    ),
    ignore: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1000,
        description: 'Regular expression: frames that match it are passed over (headlines, other kinds of messages).',
      }),
    ),
    decimal: Type.Optional(
      Type.Union([Type.Literal('.'), Type.Literal(',')], { default: '.', description: 'Decimal point of numbers.' }),
    ),
    encoding: Type.Optional(
      Type.Union([Type.Literal('latin1'), Type.Literal('utf8')], {
        description: 'Of text. Default: utf8 for json, else latin1.',
      }),
    ),
  },
  { description: 'How a frame becomes fields: pattern, or type csv or json.' },
)

const ChecksumSchema = strictObject(
  {
    type: Type.Union([Type.Literal('xor'), Type.Literal('sum'), Type.Literal('crc16'), Type.Literal('crc16-ccitt')], {
      description:
        'xor: all bytes. sum: all bytes, modulo 256. crc16: CRC-16/MODBUS. crc16-ccitt: polynomial 0x1021 from 0xFFFF (CRC-16/IBM-3740).',
    }),
    format: Type.Optional(
      Type.Union([Type.Literal('hex'), Type.Literal('binary')], {
        default: 'hex',
        description: 'hex: two hexadecimal digits for each byte.',
      }),
    ),
    order: Type.Optional(
      Type.Union([Type.Literal('big'), Type.Literal('little')], { default: 'big', description: 'Bytes of a CRC.' }),
    ),
    position: Type.Optional(
      Type.Union([Type.Literal('last'), Type.Literal('afterEnd')], {
        default: 'last',
        description: 'last: the last bytes before the delimiter or end. afterEnd: the bytes behind end.',
      }),
    ),
    separator: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 8,
        description: 'Before the checksum and not part of it, for example * in NMEA 0183.',
      }),
    ),
    skip: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1024, default: 0, description: 'First bytes that are not summed.' }),
    ),
    includeStart: Type.Optional(Type.Boolean({ default: false, description: 'start is summed too.' })),
    includeEnd: Type.Optional(Type.Boolean({ default: false, description: 'end is summed too; with afterEnd.' })),
  },
  { description: 'Verified before a frame is parsed, and cut off.' },
)

export const SerialDeviceSchema = strictObject({
  connection: ConnectionSchema,
  framing: FramingSchema,
  request: Type.Optional(RequestSchema),
  parse: ParseSchema,
  checksum: Type.Optional(ChecksumSchema),
})

const WriteSchema = strictObject(
  {
    send: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'What sets the value; {value} stands for it.',
      examples: ['SET {value}\r\n'],
    }),
    expect: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1000,
        description: 'Regular expression that the answer must match. Without it no answer is awaited.',
      }),
    ),
  },
  { description: 'How a writable sensor is written; it is then asked for and the answer is what was read back.' },
)

export const SerialSensorSchema = strictObject({
  field: Type.Union([Type.String({ minLength: 1, maxLength: 200 }), Type.Integer({ minimum: 1, maximum: 1000 })], {
    description: 'Named group of the pattern, column of csv, or path within json (a.b[0]).',
  }),
  type: Type.Optional(
    Type.Union([Type.Literal('number'), Type.Literal('string'), Type.Literal('boolean')], {
      default: 'number',
      description: 'What the field is turned into.',
    }),
  ),
  map: Type.Optional(
    Type.Record(
      Type.String({ maxLength: 200 }),
      Type.Union([Type.String({ maxLength: 200 }), Type.Number(), Type.Boolean()]),
      { description: 'Text of the field to value: { S: true, U: false }. Any other text is a bad reading.' },
    ),
  ),
  send: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'A request of its own, instead of request.send. Sensors with the same one share the answer.',
    }),
  ),
  write: Type.Optional(WriteSchema),
})

export type SerialDeviceConfig = StaticDecode<typeof SerialDeviceSchema>
export type SerialSensorConfig = StaticDecode<typeof SerialSensorSchema>
export type FramingConfig = SerialDeviceConfig['framing']
export type ParseConfig = SerialDeviceConfig['parse']
export type ChecksumConfig = NonNullable<SerialDeviceConfig['checksum']>
