// What is asked of one device: its wire frames, whether it answers now, a block of its registers.

import type { LatencyStep } from '../charts/latency-bars.ts'
import { decodePage } from './decode-page.ts'
import { decodeDevice } from './decode.ts'
import { Fields } from './fields.ts'
import type { HttpClient } from './http.ts'
import type { Device } from './wire.ts'

export interface Frame {
  readonly time: number
  readonly direction: 'sent' | 'received'
  readonly bytes: Uint8Array
}

export interface ProbeResult {
  readonly answered: boolean
  readonly milliseconds: number
  readonly reason: string | null
  readonly device: Device
}

export type Table = 'holding' | 'input' | 'coil' | 'discrete'

export interface Block {
  readonly register: Table
  readonly address: number
  readonly count: number
  /** null: the device's own unit. */
  readonly unit: number | null
}

export interface BlockResult extends Block {
  /** Registers 0 … 65535, or bits 0 and 1. */
  readonly values: readonly number[]
  readonly milliseconds: number
  readonly time: number
}

/** How often each duration came, over the run. */
export interface Latencies {
  readonly poll: readonly LatencyStep[]
  readonly lag: readonly LatencyStep[]
}

const pathOf = (device: string): string => `/devices/${encodeURIComponent(device)}`

/** null: it is not asked, or has not been yet. */
export async function readLatency(http: HttpClient, device: string, signal: AbortSignal): Promise<Latencies | null> {
  const f = new Fields(await http.request(pathOf(device), { signal }), 'device').objectOrNull('latency')
  return f === null ? null : { poll: f.list('poll', decodeLatencyStep), lag: f.list('lag', decodeLatencyStep) }
}

function decodeLatencyStep(source: unknown): LatencyStep {
  const f = new Fields(source, 'step')
  return { upToMs: f.number('upToMs'), count: f.number('count') }
}

/** Oldest first. */
export async function readFrames(http: HttpClient, device: string, signal: AbortSignal): Promise<readonly Frame[]> {
  return decodePage(decodeFrame)(await http.request(`${pathOf(device)}/frames`, { signal })).items
}

export async function probe(http: HttpClient, device: string): Promise<ProbeResult> {
  const f = new Fields(await http.request(`${pathOf(device)}/probe`, { method: 'POST' }), 'probe')
  return {
    answered: f.flag('answered'),
    milliseconds: f.number('milliseconds'),
    reason: f.textOrNull('reason'),
    device: f.child('device', decodeDevice),
  }
}

export async function readBlock(http: HttpClient, device: string, block: Block): Promise<BlockResult> {
  const { unit, ...rest } = block
  const body = unit === null ? rest : block
  const f = new Fields(await http.request(`${pathOf(device)}/registers`, { method: 'POST', body }), 'block')
  return {
    register: block.register,
    address: f.number('address'),
    count: f.number('count'),
    unit,
    values: f.list('values', Number),
    milliseconds: f.number('milliseconds'),
    time: f.time('time'),
  }
}

function decodeFrame(source: unknown): Frame {
  const f = new Fields(source, 'frame')
  const hex = f.text('bytes')
  return {
    time: f.time('time'),
    direction: f.oneOf('direction', ['sent', 'received']),
    bytes: Uint8Array.from({ length: hex.length >> 1 }, (_, index) =>
      Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16),
    ),
  }
}
