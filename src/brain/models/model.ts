// A trained model and its form in the database.
//
//   model    "TXMD" · version u16 LE = 1 · header length u32 LE · header (JSON, UTF-8) · cells of the arrays it names, one behind
//            the other: f64 LE or i32 LE

import { createHash } from 'node:crypto'
import { TelemetryError } from '#domain/errors.ts'
import type { ArimaFit } from '../analytics/arima.ts'
import type { ArimaSpec, ForestSpec } from '../analytics/detector-spec.ts'
import { FEATURES } from '../analytics/features.ts'
import { IsolationForest } from '../analytics/isolation-forest.ts'
import type { Profile } from './drift.ts'

interface Common {
  /** Full ids, in the order of the columns. */
  readonly sensors: readonly string[]
  /** What the readings of each sensor were like. */
  readonly profiles: readonly Profile[]
  /** How long the readings that it was trained on took. */
  readonly spanMs: number
  /** Points are means over a grid of this length; null: readings as they come. */
  readonly everyMs: number | null
}

export interface ForestModel extends Common {
  readonly kind: 'isolationForest'
  readonly spec: ForestSpec
  readonly forest: IsolationForest
  /** Median of each column. */
  readonly usual: Float64Array
}

export interface ArimaModel extends Common {
  readonly kind: 'arima'
  readonly spec: ArimaSpec
  readonly fit: ArimaFit
  /** Of the innovations. */
  readonly spread: number
}

export type TrainedModel = ForestModel | ArimaModel

const MAGIC = 'TXMD'
const VERSION = 1
const HEAD_BYTES = 10

type Cells = Float64Array | Int32Array

interface ArrayHead {
  readonly name: string
  readonly type: 'f64' | 'i32'
  readonly length: number
}

interface Header extends Common {
  readonly arrays: readonly ArrayHead[]
  readonly kind: TrainedModel['kind']
  readonly spec: ForestSpec | ArimaSpec
  /** isolationForest */
  readonly sampleSize?: number
  readonly columns?: number
  /** arima */
  readonly fit?: Omit<ArimaFit, 'parameters'> & { readonly mean: number }
  readonly spread?: number
}

export function checksumOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

export function encodeModel(model: TrainedModel): Uint8Array {
  const { everyMs, kind, profiles, sensors, spanMs, spec } = model
  const common = { everyMs, kind, profiles, sensors, spanMs, spec }
  if (model.kind === 'isolationForest') {
    const { columns, nodes, sampleSize } = model.forest
    return pack({ ...common, columns, sampleSize }, { ...nodes, usual: model.usual })
  }
  const { parameters, ...fit } = model.fit
  const { ar, ma, mean } = parameters
  return pack({ ...common, fit: { ...fit, mean }, spread: model.spread }, { ar, ma })
}

function pack(header: Omit<Header, 'arrays'>, cells: Readonly<Record<string, Cells>>): Uint8Array {
  const arrays = Object.entries(cells).map(([name, { length, BYTES_PER_ELEMENT }]): ArrayHead => ({
    name,
    type: BYTES_PER_ELEMENT === 8 ? 'f64' : 'i32',
    length,
  }))
  const text = Buffer.from(JSON.stringify({ ...header, arrays }))
  const head = Buffer.alloc(HEAD_BYTES)
  head.write(MAGIC, 'latin1')
  head.writeUInt16LE(VERSION, 4)
  head.writeUInt32LE(text.length, 6)
  const bytes = Object.values(cells).map(
    ({ buffer, byteLength, byteOffset }) => new Uint8Array(buffer, byteOffset, byteLength),
  )
  return Buffer.concat([head, text, ...bytes])
}

/** Throws STORE_CORRUPT when the bytes are not what `checksum` says, or no model that this version can read. */
export function decodeModel(body: Uint8Array, checksum: string): TrainedModel {
  if (checksumOf(body) !== checksum) throw corrupt('its checksum is wrong')
  const bytes = Buffer.from(body)
  if (bytes.length < HEAD_BYTES || bytes.toString('latin1', 0, 4) !== MAGIC) throw corrupt('it is none')
  const version = bytes.readUInt16LE(4)
  if (version !== VERSION) throw corrupt(`it has format ${version}, this version reads ${VERSION}`)
  const end = HEAD_BYTES + bytes.readUInt32LE(6)
  try {
    const header = JSON.parse(bytes.toString('utf8', HEAD_BYTES, end)) as Header // written by `pack`, as the checksum tells
    return unpack(header, cellsOf(bytes.subarray(end), header.arrays))
  } catch (cause) {
    if (cause instanceof TelemetryError) throw cause
    throw corrupt('it is cut off', cause)
  }
}

function unpack(header: Header, cells: ReadonlyMap<string, Cells>): TrainedModel {
  const { everyMs, profiles, sensors, spanMs } = header
  const common = { everyMs, profiles, sensors, spanMs }
  const f64 = (name: string): Float64Array => cells.get(name) as Float64Array
  const i32 = (name: string): Int32Array => cells.get(name) as Int32Array
  if (header.kind === 'isolationForest') {
    const nodes = {
      roots: i32('roots'),
      feature: i32('feature'),
      threshold: f64('threshold'),
      left: i32('left'),
      right: i32('right'),
      size: i32('size'),
    }
    checkTrees(nodes, header.columns!)
    const forest = new IsolationForest(header.columns!, header.sampleSize!, nodes)
    return { ...common, kind: 'isolationForest', spec: header.spec as ForestSpec, forest, usual: f64('usual') }
  }
  const { mean, ...fit } = header.fit!
  const parameters = { ar: f64('ar'), ma: f64('ma'), mean }
  return {
    ...common,
    kind: 'arima',
    spec: header.spec as ArimaSpec,
    fit: { ...fit, parameters },
    spread: header.spread!,
  }
}

function cellsOf(bytes: Buffer, arrays: readonly ArrayHead[]): Map<string, Cells> {
  let offset = 0
  const cells = new Map<string, Cells>()
  for (const { length, name, type } of arrays) {
    const size = length * (type === 'f64' ? 8 : 4)
    if (offset + size > bytes.length) throw corrupt('it is cut off')
    const own = new Uint8Array(bytes.subarray(offset, offset + size)).buffer // aligned
    cells.set(name, type === 'f64' ? new Float64Array(own) : new Int32Array(own))
    offset += size
  }
  return cells
}

/** Children stand behind their parents: a walk from a root comes to an end. */
function checkTrees({ feature, left, right, roots }: IsolationForest['nodes'], columns: number): void {
  const isPlace = (place: number, after: number): boolean => place > after && place < feature.length
  const isSound =
    roots.every((root) => isPlace(root, -1)) &&
    feature.every((column, at) => column < 0 || (column < columns && isPlace(left[at]!, at) && isPlace(right[at]!, at)))
  if (!isSound) throw corrupt('its trees make no sense')
}

function corrupt(why: string, cause?: unknown): TelemetryError {
  return new TelemetryError('STORE_CORRUPT', `A stored model cannot be used: ${why}`, { cause })
}

/** Columns that a sensor has in a forest's points. */
export function columnsEach({ features }: Pick<ForestSpec, 'features'>): number {
  return features === null ? 1 : FEATURES.length
}
