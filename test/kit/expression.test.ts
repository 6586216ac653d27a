// Expressions over sensors: ids with dots and dashes, types, places of problems, and what is not part of the language.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileExpression, type Compiled, type OperandValue } from '#kit/expression.ts'

const SENSORS: Record<string, OperandValue> = {
  'press-1.power': 30,
  'press-1.flow': 0,
  'press-1.flow-2': 7,
  '3d.temp': 5,
  'a.b': 10,
  'b.c': 4,
  'press-1.running': true,
  'press-1.state': 'run',
}

function typeOf(id: string): 'number' | 'boolean' | 'string' | undefined {
  const value = SENSORS[id]
  return value === undefined ? undefined : (typeof value as 'number' | 'boolean' | 'string')
}

function compile(text: string, own: string | null = null): Compiled {
  return compileExpression(text, { typeOf, own })
}

function evaluate(text: string, own: string | null = null): OperandValue {
  const compiled = compile(text, own)
  if (!compiled.ok) throw new Error(compiled.problem.message)
  const { operands } = compiled.expression
  return compiled.expression.evaluate((index) => SENSORS[operands[index]!]!)
}

describe('an expression over sensors', () => {
  it.each([
    ['press-1.power / max(press-1.flow, 0.1)', 300],
    ['press-1.power * 2 - 1', 59],
    ['a.b-b.c', 6],
    ['a.b -b.c', 6],
    ['press-1.flow-2', 7],
    ['press-1.flow -2', -2],
    ['3d.temp+1', 6],
    ['2-a.b', -8],
    ['value("a.b") + 1e1', 20],
    ['a.b % 4', 2],
    ['round(sqrt(a.b) * 10) / 10', 3.2],
    ['number(press-1.running) * a.b', 10],
    ['a.b > 9 && press-1.running', true],
    ['a.b == 10', true],
    ['press-1.state == "run" ? 1 : 0', 1],
    ['press-1.state.startsWith("r")', true],
    ['b.c in [1, 4]', true],
    ['-a.b', -10],
    ['"a.b " + press-1.state', 'a.b run'],
  ])('evaluates %s', (text, result) => {
    expect(evaluate(text)).toBe(result)
  })

  it('takes `value` for the sensor itself, also right before a minus', () => {
    expect(evaluate('value > 9', 'a.b')).toBe(true)
    expect(evaluate('value-b.c', 'a.b')).toBe(6)
  })

  it('names each sensor once, in the order of first use', () => {
    const compiled = compile('b.c + a.b + b.c')
    expect(compiled.ok && compiled.expression.operands).toEqual(['b.c', 'a.b'])
  })

  it.each([
    ['a.b > press-9.power', 6, 'there is no sensor "press-9.power"'],
    ['value("x.y") > 1', 0, 'there is no sensor "x.y"'],
    ['a.b >', 5, 'it ends too early'],
    ['a.b + foo', 6, 'there is no "foo"; a sensor is written as device.sensor'],
    ['press-1.running + 1', 0, 'no such overload: boolean + number'],
    ['value > 1', 0, 'there is no "value"; a sensor is written as device.sensor'],
    ['[1,2].all(x, x > 0)', 0, '".all" cannot be used here'],
    ['press-1.state.matches("(a+)+$")', 0, '".matches" cannot be used here'],
    ['[1,2][0]', 0, '"[ ]" cannot be used here'],
    ['a.b > 1 || size("abc") > 2', 11, 'the function "size" cannot be used here'],
    ['[a.b]', 0, 'the result must be a number, a text, or true or false'],
  ])('tells what is wrong with %s, and where', (text, offset, message) => {
    expect(compile(text)).toEqual({ ok: false, problem: { offset, message } })
  })

  it('refuses what is too large', () => {
    expect(compile(Array.from({ length: 400 }, () => 'a.b').join(' + ')).ok).toBe(false)
    expect(compile('('.repeat(200) + 'a.b' + ')'.repeat(200)).ok).toBe(false)
  })

  it('never throws, whatever it is given, and places each problem inside the text', () => {
    const piece = fc.constantFrom(
      'a.b',
      'press-1.flow',
      ' + ',
      '-',
      '.',
      '(',
      ')',
      '"',
      "'",
      '1',
      '0.5',
      'max(',
      '[',
      '?',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 30 }),
          fc.array(piece).map((all) => all.join('')),
        ),
        (text) => {
          const compiled = compile(text)
          if (compiled.ok) return
          expect(compiled.problem.offset).toBeGreaterThanOrEqual(0)
          expect(compiled.problem.offset).toBeLessThanOrEqual(text.length)
        },
      ),
    )
  })
})
