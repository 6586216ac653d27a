// A regular expression from the configuration, kept from hanging the gateway: matching backtracks, and the time that some
// expressions take grows with a high power of the text's length or exponentially. Where that cannot matter, by an estimate
// from the expression and the length, it is matched directly; everything else is matched under a watchdog.

import { createContext, Script, type Context } from 'node:vm'

/** Longest match under the watchdog. Wall clock: on a busy machine an innocent expression is preempted too. */
const WATCHDOG_MS = 100
/** Steps of backtracking that may be taken without one: some 10 ms. */
const MAX_FREE_STEPS = 1_000_000

/** Thrown when a match took longer than WATCHDOG_MS. */
export class PatternTooSlow extends Error {
  override readonly name = 'PatternTooSlow'
}

export class Pattern {
  readonly #expression: RegExp
  readonly #cost: PatternCost
  #watched: { script: Script; context: Context } | null = null

  /** Throws SyntaxError. */
  constructor(source: string) {
    this.#expression = new RegExp(source)
    this.#cost = patternCost(source)
  }

  /** Named groups, those that took no part undefined; null when it does not match. Throws PatternTooSlow. */
  groups(text: string): Readonly<Record<string, string | undefined>> | null {
    const match = this.#isCheap(text.length) ? this.#expression.exec(text) : this.#execWatched(text)
    return match === null ? null : (match.groups ?? {})
  }

  /** Throws PatternTooSlow. */
  matches(text: string): boolean {
    return this.groups(text) !== null
  }

  #isCheap(length: number): boolean {
    const { repeats, choices, isNested } = this.#cost
    return !isNested && (length + 1) ** repeats * 2 ** choices <= MAX_FREE_STEPS
  }

  /** Some 0.1 ms: a watchdog thread is started each time. */
  #execWatched(text: string): RegExpExecArray | null {
    this.#watched ??= {
      script: new Script('expression.exec(text)'),
      context: createContext({ expression: this.#expression, text: '' }),
    }
    const { script, context } = this.#watched
    context['text'] = text
    try {
      return script.runInContext(context, { timeout: WATCHDOG_MS }) as RegExpExecArray | null
    } catch (error) {
      throw new PatternTooSlow('The pattern took too long', { cause: error })
    } finally {
      context['text'] = ''
    }
  }
}

/** Names of the groups of an expression. Throws SyntaxError. */
export function groupNames(source: string): readonly string[] {
  // With an empty alternative it matches the empty text, and a match knows all its groups.
  return Object.keys(new RegExp(`${source}|`).exec('')?.groups ?? {})
}

/** An upper bound of the steps of a match on n characters is (n + 1) ^ repeats × 2 ^ choices, unless something is nested. */
export interface PatternCost {
  readonly repeats: number
  readonly choices: number
  /** A repetition within a repetition, or a reference to a group: no such bound. */
  readonly isNested: boolean
}

interface OpenGroup {
  /** A part that can match in several ways. */
  varies: boolean
}

/** Estimates by the quantifiers; errs on the dear side. */
export function patternCost(source: string): PatternCost {
  let repeats = source.startsWith('^') && !/\|/.test(source.replace(/\\.|\([^()]*\)/g, '')) ? 0 : 1
  let choices = 0
  let isNested = /\\[1-9k]/.test(source)
  const groups: OpenGroup[] = [{ varies: false }]
  let closed: OpenGroup | null = null
  for (const [token] of source.matchAll(
    /\\.|\[(?:\\.|[^\]\\])*\]|\(\?(?:<?[=!]|<[^>]*>|[a-z-]*:)|\(|\)|\||[*+?]\??|\{\d+(?:,\d*)?\}\??|./gs,
  )) {
    const group = groups.at(-1)!
    const quantifier = /^[*+?{]/.test(token) ? quantifierOf(token) : 'none'
    if (token.startsWith('(')) groups.push({ varies: false })
    else if (token === '|') {
      choices += 1
      group.varies = true
    } else if (quantifier === 'repeats') {
      repeats += 1
      isNested ||= closed?.varies === true
      group.varies = true
    } else if (quantifier === 'optional') {
      choices += 1
      group.varies = true
    } else if (quantifier === 'exactly') {
      // Each turn of what varies multiplies the ways.
      isNested ||= closed?.varies === true
    }
    closed = null
    if (token === ')' && groups.length > 1) {
      closed = groups.pop()!
      groups.at(-1)!.varies ||= closed.varies
    }
  }
  return { repeats, choices, isNested }
}

function quantifierOf(token: string): 'repeats' | 'optional' | 'exactly' {
  if (token.startsWith('?')) return 'optional'
  return /^\{\d+\}/.test(token) ? 'exactly' : 'repeats'
}
