import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesGlob } from '#brain/rules/sensor-glob.ts'
import { sensorPattern } from '#domain/sensor-pattern.ts'

describe('A pattern on sensors', () => {
  it('means the same as in an uplink', () => {
    const text = (letters: string) => fc.string({ unit: fc.constantFrom(...letters.split('')), maxLength: 12 })
    fc.assert(
      fc.property(text('ab.*?'), text('ab.'), (pattern, id) => {
        expect(matchesGlob(pattern, id)).toBe(sensorPattern(pattern).test(id))
      }),
      { numRuns: 2000 },
    )
  })

  it('is matched in linear time: the same as a regular expression would not end', () => {
    expect(matchesGlob('*a'.repeat(100), 'a'.repeat(5000) + 'b')).toBe(false)
  })
})
