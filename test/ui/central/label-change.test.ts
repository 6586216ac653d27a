import { describe, expect, it } from 'vitest'
import { changeOf, tagsOf } from '../../../src/ui/central/label-change.ts'

const BEFORE = {
  texts: [
    { key: 'description', label: 'Description', value: 'Oil temperature', maxLength: 500 },
    { key: 'unit', label: 'Unit', value: 'degC', maxLength: 32 },
  ],
  labels: { metadata: { building: 'B2' }, tags: ['hydraulics'] },
}
const AS_IT_WAS = {
  values: { description: 'Oil temperature', unit: 'degC' },
  tags: 'hydraulics',
  metadata: '{ "building": "B2" }',
}

describe('a change of what is kept beside a sensor', () => {
  it('holds only what is another now', () => {
    const typed = { ...AS_IT_WAS, values: { ...AS_IT_WAS.values, unit: ' degF ' }, tags: 'hydraulics, oil, ,oil' }
    expect(changeOf(BEFORE, typed)).toEqual({ unit: 'degF', tags: ['hydraulics', 'oil'] })
    expect(changeOf(BEFORE, { ...AS_IT_WAS, metadata: ' ' })).toEqual({ metadata: {} })
  })

  it('is refused in words when nothing would change, or the metadata is no object', () => {
    expect(() => changeOf(BEFORE, AS_IT_WAS)).toThrow('Nothing would change.')
    expect(() => changeOf(BEFORE, { ...AS_IT_WAS, metadata: '{ building: B2 }' })).toThrow('double quotes')
    for (const metadata of ['[1]', '"B2"', 'null', '7'])
      expect(() => changeOf(BEFORE, { ...AS_IT_WAS, metadata })).toThrow('must be an object')
  })

  it('takes tags apart at commas', () => {
    expect(tagsOf('')).toEqual([])
    expect(tagsOf('a b,c')).toEqual(['a b', 'c'])
  })
})
