// Durations and sizes as written in configuration: text to milliseconds or bytes and back. Pure.

import { TelemetryError } from './errors.ts'

export const DURATION_PATTERN = '^(?:0|[0-9]+(?:\\.[0-9]+)?(?:ms|s|m|h|d|w|y))$'
export const SIZE_PATTERN = '^[0-9]+(?:\\.[0-9]+)?(?:B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)$'

const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 } as const
const BYTES = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
} as const

/** Milliseconds of `500ms`, `1.5s`, `5m`, `2h`, `30d`, `1w`, `1y` (365 days) or `0`. Throws CONFIG_INVALID otherwise. */
export function parseDuration(text: string): number {
  const match = /^([0-9.]+)(ms|s|m|h|d|w|y)$/.exec(text)
  if (text === '0') return 0
  if (!match)
    throw new TelemetryError('CONFIG_INVALID', `"${text}" is no duration; write for example 500ms, 1s, 5m, 30d`)
  return Math.round(Number(match[1]) * MS[match[2] as keyof typeof MS])
}

/** Bytes of `512MiB`, `8GiB`, `10MB`. Throws CONFIG_INVALID otherwise. */
export function parseSize(text: string): number {
  const match = /^([0-9.]+)(B|[KMGT]iB|[kMGT]B)$/.exec(text)
  if (!match) throw new TelemetryError('CONFIG_INVALID', `"${text}" is no size; write for example 512MiB or 8GiB`)
  return Math.round(Number(match[1]) * BYTES[match[2] as keyof typeof BYTES])
}

/** Shortest exact form of a duration: 1500 → `1500ms`, 60000 → `1m`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0'
  for (const unit of ['y', 'd', 'h', 'm', 's'] as const) {
    if (ms % MS[unit] === 0) return `${ms / MS[unit]}${unit}`
  }
  return `${ms}ms`
}

/** Shortest exact form of a size: 8589934592 → `8GiB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    if (bytes > 0 && bytes % BYTES[unit] === 0) return `${bytes / BYTES[unit]}${unit}`
  }
  return `${bytes}B`
}
