// Patterns: what they match, and that none hangs the gateway.

import { describe, expect, it } from 'vitest'
import { groupNames, Pattern, patternCost, PatternTooSlow } from '#drivers/serial/pattern.ts'

describe('a pattern', () => {
  it('gives its named groups, also under the watchdog', () => {
    const nested = new Pattern('^(?:(?<key>[A-Z]+)=(?<value>[0-9]+);?)+$')
    expect(nested.groups('A=1;B=22')).toMatchObject({ key: 'B', value: '22' })
    expect(nested.groups('A=1;B')).toBeNull()
  })

  it('knows the names of its groups', () => {
    expect(groupNames('^(?<a>x)|(?<b>y)$')).toEqual(['a', 'b'])
    expect(groupNames('x')).toEqual([])
  })

  it.each([
    ['nested repetitions', '^(a+)+$'],
    ['alternatives in a repetition', '^(a|a)*$'],
    ['many repetitions side by side', '.*.*.*.*.*=x'],
    ['many optional parts', `^${'a?'.repeat(40)}${'a'.repeat(40)}b`],
    ['a counted repetition of repetitions', '^(a*){30}$'],
    ['a repetition in a look-ahead', '^(?=(a+)+$)b'],
    ['a reference to a group', '^(a*)(a*)(a*)\\1\\2\\3b$'],
  ])('gives up in time: %s', (_what, source) => {
    const pattern = new Pattern(source)
    const text = `${'a'.repeat(4000)}!`
    let outcome: unknown
    try {
      outcome = pattern.groups(text)
    } catch (error) {
      outcome = error
    }
    // Either it ended by itself under the watchdog, or was ended by it.
    if (outcome !== null) expect(outcome).toBeInstanceOf(PatternTooSlow)
    expect(new Pattern('^a').matches(text)).toBe(true) // the process lives
  })

  it('is matched directly where that can take no time, and only there', () => {
    const contract = patternCost('^(?<stable>[SU]) +(?<weight>-?[0-9.]+) *(?<unit>kg|g)$')
    expect(contract).toEqual({ repeats: 3, choices: 2, isNested: false })
    expect(patternCost('[(+*]\\+\\(x{3}')).toEqual({ repeats: 1, choices: 0, isNested: false })
    expect(patternCost('^(?:[0-9]{2},){5}$')).toEqual({ repeats: 0, choices: 0, isNested: false })
    expect(patternCost('^(?:[0-9]+,){5}$').isNested).toBe(true)
    expect(patternCost('^(a{1,3})+$').isNested).toBe(true)
    expect(patternCost('a|^b').repeats).toBe(1)
    expect(patternCost('^a|b+').repeats).toBe(2)
  })
})
