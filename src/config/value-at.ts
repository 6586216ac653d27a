// Single values of a tree, for rules: undefined where nothing is written or where it does not fit, which is then a
// problem of its own.

import { parseDuration, parseSize } from '#domain/units.ts'
import { nodeAt, type ConfigNode, type Path } from './config-node.ts'

/** The number at `path`; digits that came from a CSV cell or a reference count. */
export function numberAt(node: ConfigNode, path: Path): number | undefined {
  const found = nodeAt(node, path)
  if (found?.kind !== 'scalar' || found.value === null || typeof found.value === 'boolean') return undefined
  if (typeof found.value === 'string' && (found.origin === 'typed' || found.value.trim() === '')) return undefined
  const number = Number(found.value)
  return Number.isFinite(number) ? number : undefined
}

/** Milliseconds. */
export function durationAt(node: ConfigNode, path: Path): number | undefined {
  return parsedAt(node, path, parseDuration)
}

/** Bytes. */
export function sizeAt(node: ConfigNode, path: Path): number | undefined {
  return parsedAt(node, path, parseSize)
}

function parsedAt(node: ConfigNode, path: Path, parse: (text: string) => number): number | undefined {
  const found = nodeAt(node, path)
  if (found?.kind !== 'scalar' || found.value === null) return undefined
  try {
    return parse(String(found.value))
  } catch {
    return undefined
  }
}
