// Looking for what could be a device: each step of a scan as it comes. A scan reads and changes nothing.

import { Fields, type ConfigTree } from './fields.ts'
import { ApiError, type HttpClient } from './http.ts'
import type { JsonValue } from './wire.ts'

export type Scalar = string | number | boolean
export type Keys = Readonly<Record<string, Scalar>>

export interface SuggestedSensor {
  /** As in gateway.yaml. */
  readonly config: Keys
  /** What it reads now; null: not known. */
  readonly value: JsonValue
  /** Other readings of the same bytes: keys beside those of `config`. */
  readonly alternatives: readonly { readonly config: Keys; readonly value: number }[]
}

export interface SuggestedDevice {
  /** As in gateway.yaml, without sensors. */
  readonly config: Readonly<Record<string, ConfigTree>>
  /** What it says of itself; empty when it says nothing. */
  readonly title: string
  readonly sensors: readonly SuggestedSensor[]
  /** Sensors left out because there are too many. */
  readonly left: number
  readonly notes: readonly string[]
}

export interface FoundPort {
  readonly path: string
  /** Stays the same wherever it is plugged in; null when it has none. */
  readonly byId: string | null
  /** Maker and product. */
  readonly maker: string
  /** The running device that has it; null: it is free. */
  readonly usedBy: string | null
}

export interface HeardAtRate {
  readonly baudRate: number
  readonly bytes: number
  /** Share of printable characters, 0 to 1. */
  readonly printable: number
  readonly sample: string
}

export type ScanStep =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'device'; readonly device: SuggestedDevice }
  | { readonly type: 'port'; readonly port: FoundPort }
  | { readonly type: 'heard'; readonly heard: HeardAtRate }
  | { readonly type: 'end'; readonly isCut: boolean; readonly notes: readonly string[] }

export type ScanKind = 'modbus' | 'opcua' | 'serial'

/** A scan ends by itself after ten minutes. */
const TIMEOUT_MS = 15 * 60_000

/** Resolves at its end. Throws ApiError: CONFLICT when a running device has the line, CONNECTION_FAILED, TIMEOUT, … */
export async function scan(
  http: HttpClient,
  { kind, body, signal }: { readonly kind: ScanKind; readonly body: object; readonly signal: AbortSignal },
  onStep: (step: ScanStep) => void,
): Promise<void> {
  let hasEnded = false
  await http.lines(`/scan/${kind}`, { method: 'POST', body, signal, timeoutMs: TIMEOUT_MS }, (line) => {
    const step = decodeStep(line)
    if (step === null) return
    hasEnded ||= step.type === 'end'
    onStep(step)
  })
  if (!hasEnded) throw new ApiError(0, 'OFFLINE', 'The gateway broke the scan off.')
}

/** null: a step that this dashboard does not know. */
function decodeStep(source: unknown): ScanStep | null {
  const f = new Fields(source, 'step')
  switch (f.text('type')) {
    case 'progress':
      return { type: 'progress', text: f.text('text') }
    case 'device':
      return { type: 'device', device: f.child('device', decodeDevice) }
    case 'port':
      return { type: 'port', port: f.child('port', decodePort) }
    case 'heard':
      return { type: 'heard', heard: f.child('heard', decodeHeard) }
    case 'end':
      return { type: 'end', isCut: f.flag('isCut'), notes: f.list('notes', String) }
    case 'failed':
      throw new ApiError(0, f.text('code'), f.text('detail'))
    default:
      return null
  }
}

function decodeDevice(source: unknown): SuggestedDevice {
  const f = new Fields(source, 'device')
  return {
    config: f.tree('config'),
    title: f.text('title'),
    sensors: f.list('sensors', (item) => {
      const sensor = new Fields(item, 'sensor')
      return {
        config: sensor.scalars('config'),
        value: sensor.value('value'),
        alternatives: sensor.list('alternatives', (other) => {
          const alternative = new Fields(other, 'alternative')
          return { config: alternative.scalars('config'), value: alternative.number('value') }
        }),
      }
    }),
    left: f.number('left'),
    notes: f.list('notes', String),
  }
}

function decodePort(source: unknown): FoundPort {
  const f = new Fields(source, 'port')
  return {
    path: f.text('path'),
    byId: f.textOrNull('byId'),
    maker: [f.text('manufacturer'), f.text('product')].filter((text) => text !== '').join(' '),
    usedBy: f.textOrNull('usedBy'),
  }
}

function decodeHeard(source: unknown): HeardAtRate {
  const f = new Fields(source, 'heard')
  return {
    baudRate: f.number('baudRate'),
    bytes: f.number('bytes'),
    printable: f.number('printable'),
    sample: f.text('sample'),
  }
}
