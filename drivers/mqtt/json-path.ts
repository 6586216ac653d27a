// A small part of JSONPath (RFC 9535): one value by names and indexes. Parsed once, then followed without evaluation.
//
//   path    = "$" *segment
//   segment = "." name / "[" index "]" / "['" text "']" / '["' text '"]' / ".{" n "}"
//   name    = 1*( letter / digit / "_" / "-" )      index = [ "-" ] digits, from the end when negative
//   {n}     = the text that the n-th wildcard of the topic stood for, from 1

/** A name, an index, or the number of a capture from 1. */
export type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'capture'; readonly capture: number }

export type JsonPath = readonly Segment[]

const SEGMENT =
  /\.\{(?<capture>[1-9][0-9]?)\}|\.(?<name>[\p{L}\p{N}_-]+)|\[(?<index>-?[0-9]{1,9})\]|\['(?<single>[^']*)'\]|\["(?<double>[^"]*)"\]/uy

/** null when `text` is no path. */
export function parseJsonPath(text: string): JsonPath | null {
  if (!text.startsWith('$')) return null
  const path: Segment[] = []
  SEGMENT.lastIndex = 1
  while (SEGMENT.lastIndex < text.length) {
    const groups = SEGMENT.exec(text)?.groups
    if (!groups) return null
    path.push(segmentOf(groups))
  }
  return path
}

function segmentOf(groups: Readonly<Record<string, string | undefined>>): Segment {
  const { capture, index, name, single, double } = groups
  if (capture !== undefined) return { kind: 'capture', capture: Number(capture) }
  if (index !== undefined) return { kind: 'index', index: Number(index) }
  return { kind: 'name', name: name ?? single ?? double ?? '' }
}

/** The value there; undefined when there is none. Only own properties count: `$.constructor` of `{}` is nothing. */
export function valueAt(root: unknown, path: JsonPath, captures: readonly string[] = []): unknown {
  let value = root
  for (const segment of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Array.isArray(value) ? elementOf(value, segment, captures) : memberOf(value, segment, captures)
  }
  return value
}

function elementOf(list: readonly unknown[], segment: Segment, captures: readonly string[]): unknown {
  if (segment.kind === 'index') return list.at(segment.index)
  const name = nameOf(segment, captures)
  return name !== undefined && /^(?:0|[1-9][0-9]{0,8})$/.test(name) ? list[Number(name)] : undefined
}

function memberOf(object: object, segment: Segment, captures: readonly string[]): unknown {
  const name = segment.kind === 'index' ? String(segment.index) : nameOf(segment, captures)
  return name !== undefined && Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined
}

function nameOf(segment: Exclude<Segment, { kind: 'index' }>, captures: readonly string[]): string | undefined {
  return segment.kind === 'name' ? segment.name : captures[segment.capture - 1]
}

/** The highest capture that a path asks for; 0 when it asks for none. */
export function highestCapture(path: JsonPath): number {
  return Math.max(0, ...path.map((segment) => (segment.kind === 'capture' ? segment.capture : 0)))
}
