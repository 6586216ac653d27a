import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matcher, parsePatterns, wantedSensors } from '#api/live/filter.ts'
import { RequestError } from '#api/problem.ts'
import { makeModel, makeSensor } from '../fakes.ts'

describe('the filter of a live client', () => {
  it('makes equal interests equal: order, repeats and blanks do not count', () => {
    expect(parsePatterns('b.x, a.x,b.x')).toEqual(parsePatterns('a.x,b.x'))
    expect(parsePatterns('a.x,*')).toEqual([])
    expect(parsePatterns(undefined)).toEqual([])
  })

  it.each(['a.x,', ',', 'A.x', 'a.?', 'a b', 'a/../b', 'a.x;b'])('refuses %s', (text) => {
    expect(() => parsePatterns(text)).toThrow(RequestError)
  })

  it('matches as the same pattern would as a regular expression', () => {
    const text = fc.stringMatching(/^[ab.]{0,8}$/)
    const pattern = fc.stringMatching(/^[ab.*]{1,8}$/)
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), text, (patterns, id) => {
        const expressions = patterns.map((one) => new RegExp(`^${one.replaceAll('.', '\\.').replace(/\*+/g, '.*')}$`))
        expect(matcher(patterns)(id)).toBe(expressions.some((expression) => expression.test(id)))
      }),
      { numRuns: 5000 },
    )
  })

  it('takes no longer for a pattern made to hurt', () => {
    const started = performance.now()
    expect(matcher([`${'*a'.repeat(500)}*b`])('a'.repeat(200))).toBe(false)
    expect(performance.now() - started).toBeLessThan(50)
  })

  it('marks sensor numbers, which may have gaps', () => {
    const model = makeModel([makeSensor(1, 'a.x'), makeSensor(4, 'b.x'), makeSensor(6, 'a.y')])
    expect([...wantedSensors(model, ['a.*'])]).toEqual([0, 1, 0, 0, 0, 0, 1])
  })
})
