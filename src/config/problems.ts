// Collects everything that is wrong with a configuration, so that all of it is reported at once.

import type { Path, Place } from './config-node.ts'

/** One problem; line and column count from 1. */
export interface ConfigProblemAt {
  readonly file: string
  readonly line: number
  readonly column: number
  /** Plain words, opening with the path: `devices[0].poll: must be at least 10ms`. Never holds a substituted value. */
  readonly message: string
}

export class Problems {
  readonly #found = new Map<string, ConfigProblemAt>()
  #size = 0

  /** Problems added so far, repetitions included: it grows with each `add`. */
  get size(): number {
    return this.#size
  }

  /** A value is of no use because of a problem that was added before. */
  addNothingNew(): void {
    this.#size++
  }

  /** The same words at the same place are kept once: an anchor's problem would show again for each of its aliases. */
  add(place: Place, path: Path, words: string): void {
    this.#size++
    const identity = `${place.file}:${place.line}:${place.column}:${words}`
    if (this.#found.has(identity)) return
    const lead = formatPath(path)
    this.#found.set(identity, { ...place, message: printable(lead === '' ? words : `${lead}: ${words}`) })
  }

  /** In reading order: the main file first, then the files that it names. */
  list(mainFile: string): readonly ConfigProblemAt[] {
    const rank = (problem: ConfigProblemAt): number => (problem.file === mainFile ? 0 : 1)
    return [...this.#found.values()].sort(
      (a, b) => rank(a) - rank(b) || compare(a.file, b.file) || a.line - b.line || a.column - b.column,
    )
  }
}

/** One problem is one line, and what a file holds must not steer the terminal that shows it. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** `['devices', 0, 'poll']` → `devices[0].poll`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}
