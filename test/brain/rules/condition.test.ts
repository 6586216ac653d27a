// JsonLogic as jsonlogic.com/operations.html defines its operators, and what rules add: a result for every input.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileCondition } from '#brain/rules/condition.ts'
import { Logic } from '#brain/rules/operators.ts'

const logic = new Logic()

/** The result itself, by comparing it with every candidate through the condition: conditions only tell true from false. */
function evaluate(rule: unknown, data: unknown = {}): unknown {
  const prepared = compileCondition(JSON.stringify(rule), { logic, onFailure: () => {} })
  if (!prepared.ok) throw new Error(prepared.problem)
  return logic.build(rule)(data)
}

function holds(rule: unknown, data: object = {}): boolean {
  const compiled = compileCondition(JSON.stringify(rule), { logic, onFailure: () => {} })
  if (!compiled.ok) throw new Error(compiled.problem)
  return compiled.condition.holds(data)
}

function problem(text: string): string {
  const compiled = compileCondition(text, { logic, onFailure: () => {} })
  return compiled.ok ? '' : compiled.problem
}

const order = { temp: 100, pie: { filling: 'apple', eta: '60s' }, list: [1, 2, 3], cart: [{ qty: 1 }, { qty: 4 }] }

describe('An operator', () => {
  it.each<[rule: unknown, expected: unknown]>([
    [{ var: 'temp' }, 100],
    [{ var: ['temp'] }, 100],
    [{ var: 'pie.filling' }, 'apple'],
    [{ var: 'list.1' }, 2],
    [{ var: 'nothing' }, null],
    [{ var: ['nothing', 26] }, 26],
    [{ var: ['nothing', { var: 'temp' }] }, 100],
    [{ var: '' }, order],
    [{ var: [{ if: [{ '<': [{ var: 'temp' }, 110] }, 'pie.filling', 'pie.eta'] }] }, 'apple'],
    [{ missing: ['temp', 'size'] }, ['size']],
    [{ missing: 'temp' }, []],
    [{ missing: { merge: ['vin', { if: [{ var: 'temp' }, ['apr'], []] }] } }, ['vin', 'apr']],
    [{ missing_some: [1, ['temp', 'size']] }, []],
    [{ missing_some: [2, ['temp', 'size', 'price']] }, ['size', 'price']],
    [{ if: [] }, null],
    [{ if: [true] }, true],
    [{ if: [false, 'a'] }, null],
    [{ if: [[], 'a', 'b'] }, 'b'],
    [{ if: ['0', 'a', 'b'] }, 'a'],
    [{ if: [{ '<': [{ var: 'temp' }, 0] }, 'solid', { '<': [{ var: 'temp' }, 100] }, 'liquid', 'gas'] }, 'gas'],
    [{ '?:': [true, 1, 2] }, 1],
    [{ '==': [1, '1'] }, true],
    [{ '===': [1, '1'] }, false],
    [{ '!=': [1, '1'] }, false],
    [{ '!==': [1, '1'] }, true],
    [{ '!': [[]] }, true],
    [{ '!': true }, false],
    [{ '!!': '0' }, true],
    [{ or: [false, 0, 'a'] }, 'a'],
    [{ or: [false, []] }, []],
    [{ and: [true, '', 3] }, ''],
    [{ and: [1, 3] }, 3],
    [{ and: [{ or: [false, { or: [0, 'x'] }] }, 'y'] }, 'y'],
    [{ '>': ['2', 1] }, true],
    [{ '>=': [1, 1] }, true],
    [{ '<': [1, 2, 3] }, true],
    [{ '<': [1, 1, 3] }, false],
    [{ '<=': [1, 4, 3] }, false],
    [{ '<': ['apple', 'pear'] }, true],
    [{ max: [1, 3, 2] }, 3],
    [{ min: [1] }, 1],
    [{ '+': ['3.14', 1] }, 4.140000000000001],
    [{ '+': '3.14' }, 3.14],
    [{ '-': 2 }, -2],
    [{ '-': [4, 2] }, 2],
    [{ '*': [2, 2, 2] }, 8],
    [{ '/': [4, 2] }, 2],
    [{ '%': [101, 2] }, 1],
    [{ map: [{ var: 'list' }, { '*': [{ var: '' }, 2] }] }, [2, 4, 6]],
    [{ map: [{ var: 'nothing' }, { var: '' }] }, []],
    [{ filter: [{ var: 'list' }, { '%': [{ var: '' }, 2] }] }, [1, 3]],
    [{ reduce: [{ var: 'cart' }, { '+': [{ var: 'accumulator' }, { var: 'current.qty' }] }, 0] }, 5],
    [{ all: [{ var: 'list' }, { '>': [{ var: '' }, 0] }] }, true],
    [{ all: [[], true] }, false],
    [{ some: [{ var: 'cart' }, { '==': [{ var: 'qty' }, 4] }] }, true],
    [{ none: [{ var: 'cart' }, { '==': [{ var: 'qty' }, 4] }] }, false],
    [{ none: [[], true] }, true],
    [{ merge: [[1, 2], 3, [4]] }, [1, 2, 3, 4]],
    [{ merge: 1 }, [1]],
    [{ in: ['Ringo', ['John', 'Ringo']] }, true],
    [{ in: ['Spring', 'Springfield'] }, true],
    [{ in: ['i', 'team'] }, false],
    [{ cat: ['I love', ' ', { var: 'pie.filling' }, ' pie'] }, 'I love apple pie'],
    [{ cat: 'ice' }, 'ice'],
    [{ substr: ['jsonlogic', 4] }, 'logic'],
    [{ substr: ['jsonlogic', -5] }, 'logic'],
    [{ substr: ['jsonlogic', 1, 3] }, 'son'],
    [{ substr: ['jsonlogic', 4, -2] }, 'log'],
    [{ log: 'apple' }, 'apple'],
    [{ if: [false, 'a', false, 'b', 'c'] }, 'c'],
    [{ if: [false, 'a', true, 'b', 'c'] }, 'b'],
    [{ if: [false, 'a', false, 'b'] }, null],
    [{ if: [{ missing: 'size' }, 'no size', 'a size'] }, 'no size'],
    [{ if: [{ '+': '0' }, 'some', 'none'] }, 'none'],
    [{ missing: [] }, []],
    [{ missing: ['pie.filling', 'pie.crust'] }, ['pie.crust']],
    [{ merge: [[1], [], [2, 3]] }, [1, 2, 3]],
    [{ '===': [0, { '+': '0' }] }, true],
    [{ cat: [4, 2] }, '42'],
    [{ '-': ['5', 2] }, 3],
    [{ '*': ['5'] }, 5],
    [{ '+': [1, 2, 3, 4] }, 10],
    [{ or: [0, '', 7] }, 7],
    [{ and: [1, [], 7] }, []],
    [{ in: ['oil', [['oil']]] }, false],
    [{ reduce: [{ var: 'nothing' }, { '+': [{ var: 'accumulator' }, 1] }, 5] }, 5],
    [{ filter: [{ var: 'nothing' }, true] }, []],
    [{ some: [[], true] }, false],
    [{ var: 1 }, null],
    [null, null],
    [
      ['a', { var: 'temp' }],
      ['a', 100],
    ],
    [true, true],
    ['apple', 'apple'],
    [17, 17],
  ])('has a result: %j', (rule, expected) => {
    expect(evaluate(rule, order)).toEqual(expected)
  })

  it.each<[rule: unknown]>([
    [{ '>': ['abc', 1] }],
    [{ '<=': ['abc', 1] }],
    [{ '==': [{ '/': [1, 0] }, { '/': [1, 0] }] }],
    [{ '>': [{ '/': [1, 0] }, 1] }],
    [{ '>': [{ '%': [1, 0] }, 0] }],
    [{ '<': [{ var: 'nothing' }, 5] }],
    [{ '>=': [{ var: 'nothing' }, 0] }],
    [{ '+': ['abc', 1] }],
    [{ '<': [{ var: 'pie' }, 1] }],
    [{ '==': [{ var: 'pie' }, '[object Object]'] }],
    [{ map: [17, true] }],
  ])('does not hold where there is no result, and does not throw: %j', (rule) => {
    expect(holds(rule, order)).toBe(false)
    expect(holds({ and: [true, rule] }, order)).toBe(false)
  })

  it('without a result counts as false within a larger condition', () => {
    expect(holds({ or: [{ '>': ['abc', 1] }, { '>': [2, 1] }] })).toBe(true)
    expect(holds({ '!': [{ '>': ['abc', 1] }] })).toBe(true)
  })
})

describe('A condition', () => {
  it('reaches own properties only', () => {
    expect(problem('{"var":"constructor.name"}')).toContain('constructor')
    expect(problem('{"missing":["__proto__"]}')).toContain('__proto__')
    const dynamic = { var: { cat: ['const', 'ructor.name'] } }
    expect(evaluate(dynamic, order)).toBe(null)
    expect(evaluate({ var: { cat: ['__pro', 'to__'] } }, order)).toBe(null)
    expect(evaluate({ var: { cat: ['to', 'String'] } }, order)).toBe(null)
  })

  it('may use the operators of JsonLogic and no others', () => {
    for (const operator of [
      'regex',
      'match',
      'try',
      'throw',
      'eachKey',
      'pipe',
      'val',
      'toString',
      '__proto__',
      '#step',
    ])
      expect(problem(`{"${operator}":[1]}`)).toContain('unknown operator')
    expect(problem('{"==":[1,1],"!=":[1,2]}')).toContain('exactly one key')
    expect(problem('{"and":[{}]}')).toContain('$.and[0]')
  })

  it('is bounded in length, depth and parts', () => {
    expect(problem(`"${'x'.repeat(20_000)}"`)).toContain('longer')
    expect(problem(`${'['.repeat(50)}1${']'.repeat(50)}`)).toContain('deeper')
    expect(problem(`${'{"!":'.repeat(2000)}1${'}'.repeat(2000)}`)).toContain('deeper')
    expect(problem(JSON.stringify(Array.from({ length: 3000 }, () => 1)))).toContain('parts')
    expect(problem('')).toContain('empty')
  })

  it('is bounded in steps and in memory', () => {
    let failures = 0
    const build = (rule: unknown) => {
      const compiled = compileCondition(JSON.stringify(rule), { logic, onFailure: () => (failures += 1) })
      if (!compiled.ok) throw new Error(compiled.problem)
      return compiled.condition
    }
    const list = Array.from({ length: 400 }, (_, index) => index)
    const loop = (inner: unknown) => ({ some: [list, inner] })
    expect(build(loop(loop(loop({ '==': [{ var: '' }, -1] })))).holds({})).toBe(false)
    const doubling = { cat: [{ var: 'accumulator' }, { var: 'accumulator' }] }
    expect(build({ reduce: [list, doubling, 'x'] }).holds({})).toBe(false)
    const growing = { merge: [{ var: 'accumulator' }, { var: 'accumulator' }] }
    expect(build({ reduce: [list, growing, [1]] }).holds({})).toBe(false)
    const long = { list: Array.from({ length: 2_000_000 }, () => 0) }
    expect(build({ some: [{ var: 'list' }, { '==': [{ var: '' }, 1] }] }).holds(long)).toBe(false)
    expect(failures).toBe(4)
  })

  it('tells which paths of the record it reads', () => {
    const reads = (rule: unknown) => {
      const compiled = compileCondition(JSON.stringify(rule), { logic, onFailure: () => {} })
      return compiled.ok ? compiled.condition.reads && [...compiled.condition.reads].sort() : compiled.problem
    }
    expect(reads({ and: [{ '>': [{ var: 'value' }, 1] }, { var: ['alarm.level', { var: 'kind' }] }] })).toEqual([
      'alarm.level',
      'kind',
      'value',
    ])
    expect(reads({ some: [{ var: 'tags' }, { '==': [{ var: 'value' }, 1] }] })).toEqual(['tags'])
    expect(reads({ var: { var: 'which' } })).toBe(null)
  })

  it('never throws and always answers, whatever it is made of', () => {
    const operators =
      'var missing missing_some if == === ! and or > < max min + - * / % map filter reduce all some none merge in cat substr'
    const value = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('value', 'a.b'),
    )
    const { rule } = fc.letrec((tie) => ({
      operation: fc
        .tuple(fc.constantFrom(...operators.split(' ')), fc.array(tie('rule'), { maxLength: 4 }))
        .map(([operator, operands]) => ({ [operator]: operands })),
      rule: fc.oneof({ maxDepth: 5 }, value, fc.array(tie('rule'), { maxLength: 4 }), tie('operation')),
    }))
    fc.assert(
      fc.property(rule, fc.jsonValue(), (made, data) => {
        const compiled = compileCondition(JSON.stringify(made), { logic, onFailure: () => {} })
        if (compiled.ok) expect(typeof compiled.condition.holds({ value: data, a: { b: data } })).toBe('boolean')
      }),
      { numRuns: 1000 },
    )
  })
})
