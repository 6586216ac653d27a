// Patterns on sensor ids, as uplinks take them (domain/sensor-pattern.ts), matched in time linear in pattern × id: patterns of
// callers can have many stars, of which a regular expression can be made to run for ever.

/** Tells whether it means a sensor, by full id. */
export interface SensorMatcher {
  test(sensor: string): boolean
}

export function sensorMatcher(pattern: string): SensorMatcher {
  return { test: (sensor) => matchesGlob(pattern, sensor) }
}

/** `*` stands for any characters (the dot included), `?` for one. */
export function matchesGlob(pattern: string, id: string): boolean {
  let p = 0
  let i = 0
  let star = -1
  let resume = 0
  while (i < id.length) {
    const wanted = pattern[p]
    if (wanted === '*') {
      star = p++
      resume = i
    } else if (wanted !== undefined && (wanted === '?' || wanted === id[i])) {
      p += 1
      i += 1
    } else if (star >= 0) {
      p = star + 1
      i = ++resume
    } else return false
  }
  while (pattern[p] === '*') p += 1
  return p === pattern.length
}

/** Has the pattern a wildcard? */
export function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern)
}
