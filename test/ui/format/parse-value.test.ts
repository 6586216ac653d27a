import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseValue } from '../../../src/ui/format/parse-value.ts'

const problem = (text: string, type: Parameters<typeof parseValue>[1]): string | null => {
  const parsed = parseValue(text, type)
  return parsed.ok ? null : parsed.problem
}

describe('what a person typed', () => {
  it.each(['12.5', ' -3 ', '+.5', '1e3', '7.'])('takes %j as a number', (text) => {
    expect(parseValue(text, 'number')).toEqual({ ok: true, value: Number(text) })
  })

  it.each(['', '12,5', '0x10', '1e999', 'NaN', '12 bar', 'Infinity'])('refuses %j as a number', (text) => {
    expect(problem(text, 'number')).not.toBeNull()
  })

  it('tells someone with a decimal comma what to write', () => {
    expect(problem('12,5', 'number')).toContain('as a point')
  })

  it('keeps every 64-bit integer exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const parsed = parseValue(value.toString(), 'int64')
        return parsed.ok && BigInt(parsed.value as number | string) === value
      }),
    )
  })

  it('refuses integers that 64 bits do not hold', () => {
    expect(problem('9223372036854775808', 'int64')).toContain('9223372036854775807')
    expect(problem('-1', 'uint64')).not.toBeNull()
    expect(problem('1.5', 'int64')).not.toBeNull()
    expect(parseValue('18446744073709551615', 'uint64')).toEqual({ ok: true, value: '18446744073709551615' })
  })

  it('takes text as it is, and only on and off as a boolean', () => {
    expect(parseValue(' A ', 'string')).toEqual({ ok: true, value: ' A ' })
    expect(parseValue('true', 'boolean')).toEqual({ ok: true, value: true })
    expect(problem('yes', 'boolean')).not.toBeNull()
  })
})
