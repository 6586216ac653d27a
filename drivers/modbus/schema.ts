// The YAML of a Modbus device and of its sensors. Type, validation, JSON Schema and reference come from here.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, strictObject } from '#domain/schema.ts'

export const DEFAULT_PORT = 502 // registered with IANA as mbap
export const DEFAULT_UNIT = 1
export const DEFAULT_BAUD_RATE = 9600
export const DEFAULT_TIMEOUT_MS = 1000

/** Most registers that one answer holds. Modbus Application Protocol V1.1b3 §6.3 */
export const MAX_READ_REGISTERS = 125
/** Most coils or discrete inputs that one answer holds. Modbus Application Protocol V1.1b3 §6.1 */
export const MAX_READ_BITS = 2000
/**
 * Eight registers cost less time on any wire than a request of their own: 16 bytes against some 20 of frames and the pauses
 * around them. What a device refuses is found out and read around.
 */
export const DEFAULT_MAX_GAP = 8
/** Longest text: what one write holds, 123 registers. Modbus Application Protocol V1.1b3 §6.12 */
export const MAX_TEXT_LENGTH = 246

const ConnectionSchema = strictObject(
  {
    transport: Type.Optional(
      Type.Union([Type.Literal('tcp'), Type.Literal('rtu'), Type.Literal('rtu-over-tcp')], {
        default: 'tcp',
        description:
          'How the device is reached: Modbus TCP; Modbus RTU on a serial port; or RTU frames through a TCP connection, to a serial device server.',
      }),
    ),
    host: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'Name or address of the device or of its gateway. Not for rtu.',
        examples: ['192.0.2.10'],
      }),
    ),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, default: DEFAULT_PORT, description: 'TCP port. Not for rtu.' }),
    ),
    path: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description: 'Serial port, for rtu. A name of /dev/serial/by-id stays the same wherever it is plugged in.',
        examples: ['/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10KZ1AB-if00-port0'],
      }),
    ),
    baudRate: Type.Optional(
      Type.Integer({
        minimum: 50,
        maximum: 4_000_000,
        default: DEFAULT_BAUD_RATE,
        description: 'Bits each second of the serial port.',
      }),
    ),
    parity: Type.Optional(
      Type.Union([Type.Literal('none'), Type.Literal('even'), Type.Literal('odd')], {
        default: 'none',
        description: 'Parity bit of the serial port.',
      }),
    ),
    dataBits: Type.Optional(
      Type.Literal(8, { default: 8, description: 'Data bits of the serial port: Modbus RTU needs all 8.' }),
    ),
    stopBits: Type.Optional(
      Type.Union([Type.Literal(1), Type.Literal(2)], { default: 1, description: 'Stop bits of the serial port.' }),
    ),
    echo: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'For rtu and rtu-over-tcp: the adapter hands back what is sent, as two-wire RS-485 adapters may.',
      }),
    ),
    unit: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 255,
        default: DEFAULT_UNIT,
        description:
          'Unit id (slave address). Devices with the same host and port, or on the same serial port, share it. 0 on a serial line is the broadcast: only written.',
      }),
    ),
    timeout: Type.Optional(
      durationSchema({ default: '1s', description: 'Longest wait for an answer, and for a connection.' }),
    ),
  },
  { description: 'Where the device is.' },
)

const QuirksSchema = strictObject(
  {
    pauseAfterConnect: Type.Optional(
      durationSchema({ default: '0s', description: 'Rest of a new connection before its first request.' }),
    ),
    delayAfterRequest: Type.Optional(
      durationSchema({
        default: '0s',
        description: 'Rest of the connection or line after each request to this device.',
      }),
    ),
    onePerRequest: Type.Optional(
      Type.Boolean({ default: false, description: 'Each request reads one point: nothing is merged.' }),
    ),
    zeroStart: Type.Optional(
      Type.Boolean({ default: false, description: 'The first request of each table begins at address 0.' }),
    ),
    writeAndRead: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Holding registers are written and read back in one request (function 23). A device that does not know it is written and read in two.',
      }),
    ),
  },
  { description: 'What this device needs otherwise than others.' },
)

const ReadsSchema = strictObject(
  {
    maxGap: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2000,
        default: DEFAULT_MAX_GAP,
        description:
          'Unwanted addresses that a request may read over to merge its neighbours. Holes that the device refuses are found out and read around. 0: nothing is read that no sensor wants.',
      }),
    ),
    maxRegisters: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_READ_REGISTERS,
        default: MAX_READ_REGISTERS,
        description: 'Most registers in one request.',
      }),
    ),
    maxBits: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_READ_BITS,
        default: MAX_READ_BITS,
        description: 'Most coils or discrete inputs in one request.',
      }),
    ),
  },
  { description: 'How reads are merged into requests.' },
)

export const ModbusDeviceSchema = strictObject({
  connection: ConnectionSchema,
  reads: Type.Optional(ReadsSchema),
  quirks: Type.Optional(QuirksSchema),
})

export const ModbusSensorSchema = strictObject({
  register: Type.Union(
    [Type.Literal('coil'), Type.Literal('discrete'), Type.Literal('input'), Type.Literal('holding')],
    {
      description:
        'Table of the device: coil (0xxxx), discrete input (1xxxx), input register (3xxxx), holding register (4xxxx).',
    },
  ),
  address: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    description: 'Address counted from 0: holding register 40001 is address 0.',
  }),
  type: Type.Optional(
    Type.Union(
      [
        Type.Literal('bool'),
        Type.Literal('int16'),
        Type.Literal('uint16'),
        Type.Literal('int32'),
        Type.Literal('uint32'),
        Type.Literal('int64'),
        Type.Literal('uint64'),
        Type.Literal('float32'),
        Type.Literal('float64'),
        Type.Literal('string'),
        Type.Literal('bcd16'),
        Type.Literal('bcd32'),
      ],
      { description: 'How the registers are read. Default: bool for coil, discrete and with bit; else uint16.' },
    ),
  ),
  order: Type.Optional(
    Type.Union(
      [
        Type.Literal('ABCD'),
        Type.Literal('DCBA'),
        Type.Literal('BADC'),
        Type.Literal('CDAB'),
        Type.Literal('ABCDEFGH'),
        Type.Literal('HGFEDCBA'),
        Type.Literal('BADCFEHG'),
        Type.Literal('GHEFCDAB'),
      ],
      {
        description:
          'Order of the bytes on the wire, A the most significant; default ABCD. Eight letters for 64-bit types, where four mean the same.',
      },
    ),
  ),
  bit: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 15,
      description: 'One bit of the register, 0 the least significant; the type is then bool.',
    }),
  ),
  length: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_TEXT_LENGTH,
      description: 'Characters of a string, two in each register.',
    }),
  ),
})

export type ModbusDeviceConfig = StaticDecode<typeof ModbusDeviceSchema>
export type ModbusSensorConfig = StaticDecode<typeof ModbusSensorSchema>
