// Paths into JSON: `a.b[0]`, also with a leading `$.`. Pure.

import type { RawField } from './raw-field.ts'

export type JsonPath = readonly (string | number)[]

/** null when the text is no path. */
export function jsonPath(text: string): JsonPath | null {
  const path: (string | number)[] = []
  const rest = text.replace(/^\$(?=[.[])/, '').replace(/^\./, '')
  if (!/^(?:[^.[\]]+|\[\d{1,9}\])(?:\.[^.[\]]+|\[\d{1,9}\])*$/.test(rest)) return null
  for (const [, key, index] of rest.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) path.push(key ?? Number(index))
  return path
}

/** The scalar at a path; undefined when there is none, or an object or array. */
export function valueAtPath(value: unknown, path: JsonPath): RawField {
  let at: unknown = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean' || at === null ? at : undefined
}
