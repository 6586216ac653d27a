// Which sensors a live client wants: ids and patterns in which `*` matches any run of characters. Pure.

import type { Model } from '#domain/sensor.ts'
import { invalid } from '../problem.ts'

const MAX_PATTERNS = 1000

/** The patterns of `?sensors=` in a canonical order; empty: all sensors. Throws INVALID_REQUEST. */
export function parsePatterns(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return []
  const patterns = [...new Set(text.split(',').map((pattern) => pattern.trim()))].sort()
  if (patterns.length > MAX_PATTERNS)
    throw invalid('query.sensors', `must name at most ${MAX_PATTERNS} sensors or patterns`)
  const wrong = patterns.find((pattern) => !/^[a-z0-9_.*-]+$/.test(pattern))
  if (wrong !== undefined)
    throw invalid('query.sensors', `has "${wrong.slice(0, 80)}", which is neither a sensor id nor a pattern`)
  return patterns.includes('*') ? [] : patterns
}

/** A test of full sensor ids against patterns; without any, everything matches. */
export function matcher(patterns: readonly string[]): (id: string) => boolean {
  if (patterns.length === 0) return () => true
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const wild = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split(/\*+/))
  return (id) => exact.has(id) || wild.some((parts) => matchesParts(id, parts))
}

/** Leftmost match of each part in turn: linear, unlike a regular expression made from the same pattern. */
function matchesParts(id: string, parts: readonly string[]): boolean {
  const first = parts[0]!
  const last = parts.at(-1)!
  if (id.length < first.length + last.length || !id.startsWith(first) || !id.endsWith(last)) return false
  let at = first.length
  const end = id.length - last.length
  for (const part of parts.slice(1, -1)) {
    const found = id.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return at <= end
}

/** Those of the patterns that no sensor of the model matches. */
export function unmatched(model: Model, patterns: readonly string[]): string[] {
  const ids = new Set(model.sensors.map(({ id }) => id))
  return patterns.filter((pattern) => {
    if (!pattern.includes('*')) return !ids.has(pattern)
    const matches = matcher([pattern])
    return !model.sensors.some(({ id }) => matches(id))
  })
}

/** 1 for each sensor number that matches; as long as the highest number of the model. */
export function wantedSensors(model: Model, patterns: readonly string[]): Uint8Array {
  const matches = matcher(patterns)
  const highest = model.sensors.reduce((high, sensor) => Math.max(high, sensor.number), -1)
  const wanted = new Uint8Array(highest + 1)
  for (const sensor of model.sensors) if (matches(sensor.id)) wanted[sensor.number] = 1
  return wanted
}
