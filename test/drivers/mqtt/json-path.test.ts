import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { highestCapture, parseJsonPath, valueAt } from '#drivers/mqtt/json-path.ts'

const at = (value: unknown, path: string, captures: string[] = []): unknown =>
  valueAt(value, parseJsonPath(path)!, captures)

describe('a JSON path', () => {
  it('finds what RFC 9535 says it finds', () => {
    const document = { a: { b: [1, { 'c d': 2 }], "it's": 3 }, 'a.b': 4, '0': 5 }
    expect(at(document, '$')).toBe(document)
    expect(at(document, '$.a.b[0]')).toBe(1)
    expect(at(document, "$.a.b[1]['c d']")).toBe(2)
    expect(at(document, '$.a["it\'s"]')).toBe(3)
    expect(at(document, "$['a.b']")).toBe(4)
    expect(at(document, '$.a.b[-1]["c d"]')).toBe(2)
    expect(at(document, '$.a.b[7]')).toBeUndefined()
    expect(at(document, '$.a.x.y')).toBeUndefined()
  })

  it('takes the text of a wildcard as a name, whatever it holds', () => {
    const document = { left: { rms: 1 }, 'a.b[0]': { rms: 2 }, list: [{ rms: 3 }] }
    expect(at(document, '$.{1}.rms', ['left'])).toBe(1)
    expect(at(document, '$.{2}.rms', ['left', 'a.b[0]'])).toBe(2)
    expect(at(document, '$.list.{1}.rms', ['0'])).toBe(3)
    expect(at(document, '$.{3}', ['left'])).toBeUndefined()
    expect(highestCapture(parseJsonPath('$.{2}.x.{1}')!)).toBe(2)
  })

  it('never reaches what an object inherits', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(at({}, `$.${name}`)).toBeUndefined()
      expect(at([], `$.${name}`)).toBeUndefined()
      expect(at({}, '$.{1}', [name])).toBeUndefined()
    }
    expect(at('text', '$.length')).toBeUndefined()
    expect(at([1, 2], '$.length')).toBeUndefined()
  })

  it.each([
    '',
    'a',
    '.a',
    '$.',
    '$..a',
    '$a',
    '$[',
    '$[a]',
    '$.a b',
    '$.{0}',
    '$.{}',
    "$['a",
    '$[*]',
    '$[1:2]',
    '$ .a',
  ])('is not %j', (text) => expect(parseJsonPath(text)).toBeNull())

  it('finds every place of every document by the path that names it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (document) => {
        walk(document, '$', (path, value) => expect(at(document, path)).toBe(value))
      }),
    )
  })

  it('never throws, whatever the text and the document', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), fc.array(fc.string()), (text, document, captures) => {
        const path = parseJsonPath(text) ?? parseJsonPath(`$${text}`)
        if (path !== null) valueAt(document, path, captures)
      }),
    )
  })
})

function walk(value: unknown, path: string, visit: (path: string, value: unknown) => void): void {
  visit(path, value)
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    if (Array.isArray(value)) walk(child, `${path}[${key}]`, visit)
    else if (!key.includes("'")) walk(child, `${path}['${key}']`, visit)
    else if (!key.includes('"')) walk(child, `${path}["${key}"]`, visit)
  }
}
