// Conditions beside json-logic-js, the reference implementation of JsonLogic by its author: random rules over random records have the
// same results, but for the differences that are written down here (docs/decisions/0015-defined-conditions.md).

import fc from 'fast-check'
import reference from 'json-logic-js'
import { describe, expect, it } from 'vitest'
import { compileCondition } from '#brain/rules/condition.ts'
import { Logic } from '#brain/rules/operators.ts'

type Rule = unknown

const logic = new Logic()

function ours(rule: Rule, record: object): { value: unknown; holds: boolean } {
  const compiled = compileCondition(JSON.stringify(rule), { logic, onFailure: () => {} })
  if (!compiled.ok) {
    fc.pre(!compiled.problem.includes('nested deeper')) // a limit that the reference has not
    throw new Error(`${JSON.stringify(rule)}: ${compiled.problem}`)
  }
  return { value: logic.build(rule)(record), holds: compiled.condition.holds(record) }
}

const theirs = (rule: Rule, record: object): unknown =>
  reference.apply(rule as Parameters<typeof reference.apply>[0], record)

/** As JSON has it: there is no -0, and nothing is null. */
const settled = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null)) as unknown

const small = fc.integer({ min: -20, max: 20 })
/** Sums of these are exact in any order: the libraries add up in different ones. */
const number = fc.oneof(small, fc.constantFrom(0.5, -2.25, 1024))
const nonZero = fc.constantFrom(1, -2, 4, 0.5)
const word = fc.constantFrom('', 'a', 'press', 'Sp\u00FClung', 'temp', '0')
const record = fc.record({
  temp: number,
  count: small,
  name: word,
  on: fc.boolean(),
  list: fc.array(small, { maxLength: 5 }),
  pie: fc.record({ filling: word, size: number }),
})
const among = (...names: string[]): fc.Arbitrary<Rule> => fc.constantFrom(...names).map((name) => ({ var: name }))

/** Rules by what they give. Types are kept apart because the reference turns each into each, and a condition on readings must not. */
const rules = fc.letrec<{ number: Rule; text: Rule; truth: Rule; list: Rule; any: Rule }>((tie) => {
  const [num, text, truth, list, any] = [tie('number'), tie('text'), tie('truth'), tie('list'), tie('any')]
  const call = (names: readonly string[], ...operands: fc.Arbitrary<Rule>[]): fc.Arbitrary<Rule> =>
    fc.tuple(fc.constantFrom(...names), fc.tuple(...operands)).map(([name, args]) => ({ [name]: args }))
  const many = (names: readonly string[], of: fc.Arbitrary<Rule>, minLength: number): fc.Arbitrary<Rule> =>
    fc
      .tuple(fc.constantFrom(...names), fc.array(of, { minLength, maxLength: 4 }))
      .map(([name, args]) => ({ [name]: args }))
  const item = fc.constant({ var: '' })
  const ofItem = call(['+', '*', '-'], item, number)
  const itemHolds = call(['<', '<=', '>', '>=', '==', '===', '!=', '!=='], item, number)
  const choice = (of: fc.Arbitrary<Rule>): fc.Arbitrary<Rule> => call(['if', '?:'], truth, of, of)
  return {
    number: fc.oneof(
      { maxDepth: 4 },
      number,
      among('temp', 'count', 'pie.size'),
      call(['var'], fc.constant('absent'), number),
      many(['+', '*', 'min', 'max'], num, 1),
      call(['-', '%'], num, nonZero),
      call(['/'], num, nonZero),
      call(['-'], num),
      call(
        ['reduce'],
        list,
        call(['+', 'max'], fc.constant({ var: 'current' }), fc.constant({ var: 'accumulator' })),
        number,
      ),
      choice(num),
    ),
    text: fc.oneof(
      { maxDepth: 4 },
      word,
      among('name', 'pie.filling'),
      many(['cat'], fc.oneof(text, small), 1),
      call(['substr'], text, small),
      call(['substr'], text, small, fc.integer({ min: -4, max: 4 })),
      choice(text),
    ),
    truth: fc.oneof(
      { maxDepth: 4 },
      fc.boolean(),
      among('on'),
      call(['<', '<=', '>', '>=', '==', '===', '!=', '!=='], num, num),
      call(['<', '<='], num, num, num),
      call(['==', '===', '!=', '!=='], text, text),
      call(['in'], text, text),
      call(['in'], num, list),
      call(['!', '!!'], any),
      call(['all', 'some', 'none'], list, itemHolds),
    ),
    list: fc.oneof(
      { maxDepth: 4 },
      among('list'),
      fc.array(small, { maxLength: 4 }),
      many(['merge'], fc.oneof(list, num), 0),
      call(['map'], list, ofItem),
      call(['filter'], list, itemHolds),
    ),
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom({ missing: ['temp', 'absent', 'pie.none'] }, { missing_some: [2, ['temp', 'absent', 'none']] }),
      num,
      text,
      truth,
      list,
      many(['and', 'or'], any, 1),
      many(['if'], any, 2),
    ),
  }
})

describe('A condition beside the reference implementation', () => {
  it('has the same result for random rules and records', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(rules.any, record, (rule, own) => {
        for (const [name] of JSON.stringify(rule).matchAll(/(?<=\{")[^"]+(?=":)/g)) seen.add(name)
        const expected = settled(theirs(rule, own))
        const { holds, value } = ours(rule, own)
        expect(settled(value)).toEqual(expected)
        expect(holds).toBe(reference.truthy(expected))
      }),
      { numRuns: 3000 },
    )
    // Every operator of the official set but `log`, which prints.
    const operators =
      'var missing missing_some if ?: == === != !== ! !! and or > >= < <= max min + - * / % map filter reduce all none some merge in cat substr'
    expect([...seen].toSorted()).toEqual(operators.split(' ').toSorted())
  })

  it.each<[what: string, rule: Rule, theirs: unknown, ours: unknown]>([
    ['a division by zero has no result', { '/': [1, 0] }, Number.POSITIVE_INFINITY, Number.NaN],
    ['a sensor without a value is not cold', { '<': [{ var: 'absent' }, 5] }, true, false],
    ['nor is it zero', { '>=': [{ var: 'absent' }, 0] }, true, false],
    ['a text is no number where it only begins with one', { '+': ['12 bar', 1] }, 13, Number.NaN],
  ])('differs where %s', (_what, rule, expected, own) => {
    expect(theirs(rule, {})).toEqual(expected)
    expect(ours(rule, {}).value).toEqual(own)
  })
})
