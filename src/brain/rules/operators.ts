// JsonLogic's operators for rules, on json-logic-engine: the official set, with a result for every input. Arithmetic without a
// result (division by zero, a text that is no number, no value) gives NaN; a comparison with NaN or without a value does not
// hold. Nothing loops without a limit, nothing reaches a prototype, and there are no regular expressions.

import { LogicEngine } from 'json-logic-engine'
import { getterOf, stepsOf, wordOf } from './record-path.ts'

/** The library's mark of a function that answers at once. */
const SYNC = Symbol.for('json_logic_sync')

/** Steps of one evaluation: elements looped over, and bulk work in units of 64. */
const MAX_STEPS = 20_000
const MAX_TEXT = 16_384
const MAX_LIST = 10_000

/** What users may write. */
export const OPERATORS: ReadonlySet<string> = new Set(
  'var missing missing_some if ?: == === != !== ! !! and or > >= < <= max min + - * / % map filter reduce all none some merge in cat substr log'.split(
    ' ',
  ),
)
/** Operators whose second operand is evaluated for each element of the first one. */
export const ITERATORS: ReadonlySet<string> = new Set('map filter reduce all none some'.split(' '))
/** Put around what is evaluated for each element. */
export const STEP = '#step'

type Evaluate = (record: unknown) => unknown

/** Compiles and evaluates; one for each brain, because evaluations share the budget. */
export class Logic {
  readonly #engine: RuleEngine
  #left = 0

  constructor() {
    this.#engine = new RuleEngine()
    this.#addData()
    this.#addComparisons()
    this.#addArithmetic()
    this.#addTexts()
  }

  /** `logic` has been checked and prepared by condition.ts. Throws what the library throws. */
  build(logic: unknown): Evaluate {
    const built = this.#engine.build(logic) as unknown
    if (typeof built !== 'function') return () => built
    const evaluate = built as Evaluate // the library says Function
    return (record) => {
      this.#left = MAX_STEPS
      return evaluate(record)
    }
  }

  truthy(value: unknown): boolean {
    return isTruthy(value)
  }

  #charge(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new RangeError('The condition takes too many steps')
  }

  #addData(): void {
    this.#add('var', 2, {
      many: (args, record) => read(record, args[0], args[1] ?? null),
      compile: (data, compile) => {
        const parts = Array.isArray(data) ? (data as unknown[]) : [data]
        const [path = null, fallback = null] = parts
        const steps = typeof path === 'object' && path !== null ? null : stepsOf(wordOf(path))
        if (steps === null) return compile`${sync(read)}(context, ${path}, ${fallback})`
        const get = sync(getterOf(steps))
        if (fallback === null) return compile`${get}(context)`
        return compile`(${get}(context) ?? ${fallback})`
      },
    })
    this.#add('missing', 2, { many: (args, record) => missing(Array.isArray(args[0]) ? args[0] : args, record) })
    this.#add('missing_some', 2, {
      many: ([need, names], record) => {
        const all = Array.isArray(names) ? (names as unknown[]) : []
        const absent = missing(all, record)
        return all.length - absent.length >= Number(need) ? [] : absent
      },
    })
    const step = sync((value: unknown) => {
      this.#charge(1)
      return value
    })
    this.#add(STEP, 1, {
      many: ([value]) => step(value),
      compile: (data, compile) => compile`${step}(${Array.isArray(data) ? data[0] : data})`,
    })
    this.#add('log', 1, { many: ([value]) => value ?? null }) // nobody reads a condition's log
  }

  #addComparisons(): void {
    const pair = (name: string, holds: (a: unknown, b: unknown) => boolean): void =>
      this.#add(name, 1, {
        many: (args) => args.length >= 2 && args.slice(1).every((value, index) => holds(args[index], value)),
        compile: (data, compile) =>
          Array.isArray(data) && data.length === 2 ? compile`${sync(holds)}(${data[0]}, ${data[1]})` : false,
      })
    pair('<', (a, b) => order(a, b) < 0)
    pair('<=', (a, b) => order(a, b) <= 0)
    pair('>', (a, b) => order(a, b) > 0)
    pair('>=', (a, b) => order(a, b) >= 0)
    pair('==', equals)
    pair('!=', (a, b) => !equals(a, b))
    pair('===', (a, b) => a === b)
    pair('!==', (a, b) => a !== b)
    // The library takes an operand that is a list for the list of operands.
    const sole = (name: string, result: (value: unknown) => boolean): void =>
      this.#add(name, 1, {
        many: ([value]) => result(value),
        compile: (data, compile) =>
          Array.isArray(data) && data.length === 1 ? compile`${sync(result)}(${data[0]})` : false,
      })
    sole('!', (value) => !isTruthy(value))
    sole('!!', isTruthy)
  }

  #addArithmetic(): void {
    const fold = (name: string, start: number | null, join: (a: number, b: number) => number): void =>
      this.#add(name, 1, {
        many: (args) => {
          this.#charge(args.length >> 6)
          if (args.length === 0) return start ?? Number.NaN
          let result = numberOf(args[0])
          for (let index = 1; index < args.length; index++) result = join(result, numberOf(args[index]))
          return result
        },
        compile: (data, compile) =>
          Array.isArray(data) && data.length === 2
            ? compile`${sync((a: unknown, b: unknown) => join(numberOf(a), numberOf(b)))}(${data[0]}, ${data[1]})`
            : false,
      })
    fold('+', 0, (a, b) => a + b)
    fold('*', 1, (a, b) => a * b)
    fold('/', null, (a, b) => (b === 0 ? Number.NaN : a / b))
    fold('%', null, (a, b) => a % b)
    fold('max', null, (a, b) => Math.max(a, b))
    fold('min', null, (a, b) => Math.min(a, b))
    this.#add('-', 1, {
      many: (args) =>
        args.length === 1
          ? -numberOf(args[0])
          : args.slice(1).reduce<number>((a, b) => a - numberOf(b), numberOf(args[0])),
    })
  }

  #addTexts(): void {
    this.#add('in', 1, {
      many: ([wanted, where]) => {
        if (typeof where === 'string') {
          this.#charge(where.length >> 6)
          // Nothing is in an empty text, not even an empty one: as the reference has it.
          return where !== '' && typeof wanted !== 'object' && where.includes(wordOf(wanted))
        }
        if (!Array.isArray(where)) return false
        this.#charge(where.length >> 6)
        return where.includes(wanted)
      },
    })
    this.#add('cat', 1, {
      many: (args) => {
        let text = ''
        for (const part of args) text += textOf(part)
        if (text.length > MAX_TEXT) throw new RangeError('A text of the condition is too long')
        this.#charge(text.length >> 6)
        return text
      },
    })
    this.#add('substr', 1, {
      many: ([text, from, length]) => {
        const characters = textOf(text)
        const rest = characters.slice(numberOf(from) || 0)
        if (length === undefined || length === null) return rest
        const count = numberOf(length) || 0
        return count < 0 ? rest.slice(0, count) : rest.slice(0, count)
      },
    })
    this.#add('merge', 1, {
      many: (args) => {
        const list = args.flat(1)
        if (list.length > MAX_LIST) throw new RangeError('A list of the condition is too long')
        this.#charge(list.length >> 6)
        return list
      },
    })
  }

  /** @param length how many arguments the library is to pass: 1 the operands, 2 also the record. */
  #add(name: string, length: 1 | 2, { compile, many }: Operator): void {
    const method =
      length === 1
        ? sync((args: unknown[]) => many(args, null))
        : sync((args: unknown[], record: unknown) => many(args, record))
    this.#engine.addMethod(name, {
      method,
      deterministic: false,
      ...(compile && {
        compile: (data: unknown, state: BuildState) => compile(data, (...template) => state.compile(...template)),
      }),
    } as Parameters<LogicEngine['addMethod']>[1])
  }
}

type Compile = (texts: TemplateStringsArray, ...items: unknown[]) => unknown

interface BuildState {
  compile(...template: Parameters<Compile>): unknown
}

interface Operator {
  readonly many: (args: readonly unknown[], record: unknown) => unknown
  readonly compile?: (data: unknown, compile: Compile) => unknown
}

/** Truth as JsonLogic defines it, also for objects without a prototype. */
class RuleEngine extends LogicEngine {
  constructor() {
    super(undefined, { disableInline: true, disableInterpretedOptimization: false, permissive: false })
  }

  override truthy(value: unknown): boolean {
    return isTruthy(value)
  }
}

function isTruthy(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}

function sync<F extends (...args: never[]) => unknown>(work: F): F {
  return Object.assign(work, { [SYNC]: true })
}

function read(record: unknown, path: unknown, fallback: unknown): unknown {
  if (typeof path === 'object' && path !== null) return fallback
  const steps = stepsOf(wordOf(path))
  return steps === null ? fallback : (getterOf(steps)(record) ?? fallback)
}

function missing(names: readonly unknown[], record: unknown): unknown[] {
  return names.filter((name) => {
    const value = read(record, name, null)
    return value === null || value === ''
  })
}

/** NaN when there is none. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
}

/** Below 0, 0, above 0; NaN when they cannot be compared. */
function order(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b)
  const x = numberOf(a)
  const y = numberOf(b)
  return x < y ? -1 : x > y ? 1 : x === y ? 0 : Number.NaN
}

function equals(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a === 'object' || typeof b === 'object') return false
  return typeof a !== typeof b && numberOf(a) === numberOf(b)
}

function textOf(value: unknown): string {
  if (Array.isArray(value))
    return value
      .slice(0, MAX_LIST)
      .map(textOf)
      .join(',')
      .slice(0, MAX_TEXT + 1)
  return wordOf(value)
}
