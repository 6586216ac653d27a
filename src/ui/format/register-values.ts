// Registers of a Modbus device read in every type and byte order, to find the right one. Pure; the driver's own decoding is the
// judge in the tests.

export const ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const
/** A is the most significant byte. CDAB: registers swapped; BADC: bytes of each register; DCBA: both. */
export type Order = (typeof ORDERS)[number]

export const NUMBER_TYPES = [
  'int16',
  'uint16',
  'bcd16',
  'int32',
  'uint32',
  'float32',
  'bcd32',
  'int64',
  'uint64',
  'float64',
] as const
export type NumberType = (typeof NUMBER_TYPES)[number]

const WIDTHS: Readonly<Record<NumberType, number>> = {
  int16: 1,
  uint16: 1,
  bcd16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  bcd32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
}

/** Registers that a value takes. */
export function widthOf(type: NumberType): number {
  return WIDTHS[type]
}

/** Orders that differ for a type: one register has no other to change places with. */
export function ordersOf(type: NumberType): readonly Order[] {
  return WIDTHS[type] === 1 ? ['ABCD', 'BADC'] : ORDERS
}

/** null: the block ends before, or the digits are none. */
export function readNumber(
  registers: readonly number[],
  at: number,
  type: NumberType,
  order: Order,
): number | bigint | null {
  const width = WIDTHS[type]
  if (at + width > registers.length) return null
  const words = registers.slice(at, at + width)
  const isWordSwapped = order === 'CDAB' || order === 'DCBA'
  const isByteSwapped = order === 'BADC' || order === 'DCBA'
  const view = new DataView(new ArrayBuffer(8))
  for (const [index, word] of (isWordSwapped ? words.toReversed() : words).entries())
    view.setUint16(index * 2, word, isByteSwapped)
  return decoded(view, type)
}

function decoded(view: DataView, type: NumberType): number | bigint | null {
  switch (type) {
    case 'int16':
      return view.getInt16(0)
    case 'uint16':
      return view.getUint16(0)
    case 'int32':
      return view.getInt32(0)
    case 'uint32':
      return view.getUint32(0)
    case 'float32':
      return view.getFloat32(0)
    case 'int64':
      return view.getBigInt64(0)
    case 'uint64':
      return view.getBigUint64(0)
    case 'float64':
      return view.getFloat64(0)
    case 'bcd16':
      return bcd(view, 2)
    case 'bcd32':
      return bcd(view, 4)
  }
}

function bcd(view: DataView, bytes: number): number | null {
  let value = 0
  for (let index = 0; index < bytes; index++) {
    const byte = view.getUint8(index)
    if (byte >> 4 > 9 || (byte & 15) > 9) return null
    value = value * 100 + (byte >> 4) * 10 + (byte & 15)
  }
  return value
}

/** As it is printed: every digit of an integer, seven or fifteen of a float. */
export function numberText(value: number | bigint | null, type: NumberType): string {
  if (value === null) return '–'
  if (typeof value === 'bigint' || Number.isInteger(value)) return String(value).replace('-', '\u2212')
  if (!Number.isFinite(value)) return String(value)
  // What is unlikely anyway needs no more digits than show that.
  const digits = isPlausible(value, type)
    ? type === 'float32'
      ? Number(value.toPrecision(7))
      : value
    : value.toPrecision(3)
  return String(digits).replace('-', '\u2212')
}

/** A float that no instrument gives, or nothing: not worth a look. */
export function isPlausible(value: number | bigint | null, type: NumberType): boolean {
  if (value === null) return false
  if (type !== 'float32' && type !== 'float64') return true
  const size = Math.abs(Number(value))
  return size === 0 || (size > 1e-6 && size < 1e9)
}

/** Characters of registers; what is no printable character is a dot. */
export function registersText(registers: readonly number[], isByteSwapped: boolean): string {
  return registers
    .flatMap((word) => (isByteSwapped ? [word & 255, word >> 8] : [word >> 8, word & 255]))
    .map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·'))
    .join('')
}

export interface Match {
  readonly index: number
  readonly type: NumberType
  readonly order: Order
  /** The register's value times this is what was looked for. */
  readonly factor: number
  readonly value: number | bigint
}

const FACTORS = [1, 0.1, 0.01, 0.001, 10]
const MOST_MATCHES = 12

/** Where a value that a person reads on the device may stand: also as an integer with decimals left out. Simplest first. */
export function findValue(registers: readonly number[], wanted: number): readonly Match[] {
  const matches: (Match & { readonly cost: number })[] = []
  const tolerance = Math.max(Math.abs(wanted) * 0.005, 1e-9)
  for (let index = 0; index < registers.length; index++)
    for (const type of NUMBER_TYPES)
      for (const order of ordersOf(type)) {
        const value = readNumber(registers, index, type, order)
        if (value === null) continue
        const isFloat = type === 'float32' || type === 'float64'
        for (const factor of isFloat ? [1] : FACTORS) {
          const distance = Math.abs(Number(value) * factor - wanted)
          if (!(distance <= tolerance)) continue
          // Narrow types hold many values by chance: what is exact, usual and unscaled comes first.
          const cost =
            FACTORS.indexOf(factor) +
            ORDERS.indexOf(order) * 2 +
            NUMBER_TYPES.indexOf(type) / 4 +
            (distance / tolerance) * 3 -
            (isFloat ? 4 : 0)
          matches.push({ index, type, order, factor, value, cost })
        }
      }
  return matches
    .sort((a, b) => a.cost - b.cost)
    .slice(0, MOST_MATCHES)
    .map(({ cost: _cost, ...match }) => match)
}

export interface SensorDraft {
  readonly register: string
  readonly address: number
  readonly type: string
  readonly order: Order | null
  readonly factor: number
  readonly length?: number
}

/** A sensor of the configuration, ready to be pasted under `sensors:`. */
export function sensorYaml({ register, address, type, order, factor, length }: SensorDraft): string {
  const parts = [
    `id: ${type}-${address}`,
    `register: ${register}`,
    `address: ${address}`,
    ...(type === 'bool' ? [] : [`type: ${type}`]),
    ...(length === undefined ? [] : [`length: ${length}`]),
    ...(order === null || order === 'ABCD' ? [] : [`order: ${order}`]),
    ...(factor === 1 ? [] : [`scale: { factor: ${factor} }`]),
  ]
  return `- { ${parts.join(', ')} }`
}

/** Address with the number that manuals print: 40001 is the holding register 0. */
export function manualNumber(register: string, address: number): string {
  const table = { coil: 0, discrete: 1, input: 3, holding: 4 }[register] ?? 0
  return `${table}${String(address + 1).padStart(address >= 9999 ? 5 : 4, '0')}`
}
