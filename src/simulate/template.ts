// The text that a simulated instrument sends: words with values in between. Pure.
//
//   {weight}        the value            {weight:8.2}   8 wide, 2 decimals
//   {stable:S:U}    S when it is not 0 or false, else U

import type { PointValue } from './points.ts'

const PLACE = /\{([a-z0-9][a-z0-9_-]*)(?::([^{}]*))?\}/g

/** Names in the text that `known` does not hold. */
export function unknownNames(template: string, known: readonly string[]): string[] {
  return [...template.matchAll(PLACE)].map((match) => match[1]!).filter((name) => !known.includes(name))
}

export function fill(template: string, read: (name: string) => PointValue): string {
  return template.replace(PLACE, (_, name: string, form: string | undefined) => shown(read(name), form))
}

function shown(value: PointValue, form: string | undefined): string {
  if (form === undefined) return String(value)
  const choice = /^([^:]*):([^:]*)$/.exec(form)
  if (choice) return (Number(value) !== 0 ? choice[1] : choice[2])!
  const [width = '', decimals] = form.split('.')
  const text = typeof value === 'number' && decimals !== undefined ? value.toFixed(Number(decimals)) : String(value)
  return text.padStart(Number(width) || 0)
}
