import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toCsv } from '../../../src/ui/format/csv.ts'

/** A reader of RFC 4180 by itself: fields with or without quotes, two quotes for one. */
function fromCsv(text: string): string[][] {
  const rows: string[][] = []
  for (let at = 0; at < text.length;) {
    const row: string[] = []
    for (;;) {
      let cell = ''
      if (text[at] === '"') {
        for (at += 1; ; at += 1) {
          if (text[at] !== '"') cell += text[at]
          else if (text[at + 1] === '"') cell += text[(at += 1)]
          else break
        }
        at += 1
      } else for (; text[at] !== ',' && text[at] !== '\r'; at += 1) cell += text[at]
      row.push(cell)
      if (text[at] === '\r') break
      at += 1
    }
    at += 2
    rows.push(row)
  }
  return rows
}

describe('CSV', () => {
  it('has a line for each row, quotes where they are needed, and nothing for null', () => {
    expect(
      toCsv([
        ['time', 'note', 'count'],
        ['now', 'a "b", c\nd', 3],
        ['', null, -1],
      ]),
    ).toBe('time,note,count\r\nnow,"a ""b"", c\nd",3\r\n,,-1\r\n')
  })

  it('gives a spreadsheet nothing to run', () => {
    for (const start of ['=', '+', '-', '@', '\t', '\r'])
      expect(fromCsv(toCsv([[`${start}cmd|' /C calc'!A0`]]))).toEqual([[`'${start}cmd|' /C calc'!A0`]])
  })

  it('comes back as it was, whatever texts hold', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\r', '\n', '=', ' ') })
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), (rows) => {
        const expected = rows.map((row) => row.map((cell) => (/^[=\r]/.test(cell) ? `'${cell}` : cell)))
        expect(fromCsv(toCsv(rows))).toEqual(expected)
      }),
    )
  })
})
