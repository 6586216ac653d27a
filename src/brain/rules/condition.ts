// A rule's condition: JSON text → checked → compiled. What is not sound is told with the place where it stands.

import { ITERATORS, OPERATORS, STEP, type Logic } from './operators.ts'
import { stepsOf, wordOf } from './record-path.ts'

const MAX_BYTES = 16_384
const MAX_DEPTH = 32
const MAX_NODES = 2000
const FORBIDDEN = new Set(['__proto__', 'prototype', 'constructor'])

export interface Condition {
  /** Does it hold? What cannot be worked out does not; `onFailure` is then told why. */
  holds(record: object): boolean
  /** Paths of the record that it reads; null when some are worked out only while it runs. */
  readonly reads: ReadonlySet<string> | null
}

export type ConditionResult =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly problem: string }

/** Thrown within this file. */
class Problem extends Error {}

export interface CompileOptions {
  readonly logic: Logic
  /** Told when an evaluation broke off: too many steps, a list where none is. */
  readonly onFailure: () => void
}

export function compileCondition(text: string, { logic, onFailure }: CompileOptions): ConditionResult {
  try {
    const checked = new Checker().check(parse(text))
    const evaluate = logic.build(checked.logic)
    const holds = (record: object): boolean => {
      try {
        return logic.truthy(evaluate(record))
      } catch {
        onFailure()
        return false
      }
    }
    return { ok: true, condition: { holds, reads: checked.reads } }
  } catch (error) {
    if (error instanceof Problem) return { ok: false, problem: error.message }
    return { ok: false, problem: `cannot be compiled: ${reasonOf(error)}` }
  }
}

function parse(text: string): unknown {
  if (text.trim() === '') throw new Problem('is empty; for every record write true')
  if (Buffer.byteLength(text) > MAX_BYTES) throw new Problem(`is longer than ${MAX_BYTES} bytes`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Problem(`is no JSON: ${reasonOf(error)}`)
  }
}

/** Walks a condition once: operators, operands, paths, size and depth; puts the step counter around what loops repeat. */
class Checker {
  #nodes = 0
  #isDynamic = false
  readonly #reads = new Set<string>()

  check(value: unknown): { logic: unknown; reads: ReadonlySet<string> | null } {
    const logic = this.#walk(value, '$', 0, false)
    return { logic, reads: this.#isDynamic ? null : this.#reads }
  }

  /** @param isElement inside a loop: paths begin at the element there. */
  #walk(value: unknown, at: string, depth: number, isElement: boolean): unknown {
    this.#nodes += 1
    if (this.#nodes > MAX_NODES) throw new Problem(`has more than ${MAX_NODES} parts`)
    if (depth > MAX_DEPTH) throw new Problem(`is nested deeper than ${MAX_DEPTH} levels`)
    if (Array.isArray(value)) return value.map((one, index) => this.#walk(one, `${at}[${index}]`, depth + 1, isElement))
    if (typeof value !== 'object' || value === null) return value
    const [operator, ...others] = Object.keys(value)
    if (operator === undefined || others.length > 0)
      throw new Problem(`${at} is an object without exactly one key, which names the operator`)
    if (!OPERATORS.has(operator)) throw new Problem(`${at} has the unknown operator "${operator.slice(0, 64)}"`)
    const operands = (value as Record<string, unknown>)[operator]
    const place = `${at}.${operator}`
    if (operator === 'var') this.#takePath(operands, place, isElement)
    if (operator === 'missing' || operator === 'missing_some') this.#takeNames(operator, operands, place, isElement)
    if (ITERATORS.has(operator)) return { [operator]: this.#walkLoop(operands, place, depth, isElement) }
    return { [operator]: this.#walk(operands, place, depth + 1, isElement) }
  }

  #walkLoop(operands: unknown, at: string, depth: number, isElement: boolean): unknown[] {
    if (!Array.isArray(operands) || operands.length < 2 || operands.length > 3)
      throw new Problem(`${at} needs a list and what to do with each element`)
    const [list, each, ...start] = operands as unknown[]
    return [
      this.#walk(list, `${at}[0]`, depth + 1, isElement),
      { [STEP]: [this.#walk(each, `${at}[1]`, depth + 1, true)] },
      ...start.map((one) => this.#walk(one, `${at}[2]`, depth + 1, isElement)),
    ]
  }

  #takePath(operands: unknown, at: string, isElement: boolean): void {
    const path: unknown = Array.isArray(operands) ? operands[0] : operands
    if (typeof path === 'object' && path !== null) this.#isDynamic = true
    else this.#take(path, at, isElement)
  }

  #takeNames(operator: string, operands: unknown, at: string, isElement: boolean): void {
    const names: unknown = operator === 'missing_some' && Array.isArray(operands) ? operands[1] : operands
    for (const name of Array.isArray(names) ? (names as unknown[]) : [names]) {
      if (typeof name === 'object' && name !== null) this.#isDynamic = true
      else this.#take(name, at, isElement)
    }
  }

  #take(path: unknown, at: string, isElement: boolean): void {
    const text = wordOf(path)
    const steps = stepsOf(text)
    if (steps === null) throw new Problem(`${at} has a path with too many steps`)
    const forbidden = steps.find((step) => FORBIDDEN.has(step))
    if (forbidden !== undefined) throw new Problem(`${at} asks for "${forbidden}", which no record has`)
    if (isElement) return
    if (text === '') this.#isDynamic = true
    else this.#reads.add(text)
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message.slice(0, 200)
  return typeof error === 'object' && error !== null && 'type' in error ? String(error.type) : String(error)
}
