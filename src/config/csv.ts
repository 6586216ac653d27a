// CSV text → rows of cells with their places. RFC 4180 quoting; comma, semicolon or tab, whichever the first line uses:
// spreadsheets of half the world write semicolons.
//
//   file = row *(newline row)   row = cell *(delimiter cell)   cell = *char / DQUOTE *(char / 2DQUOTE) DQUOTE

import type { Place } from './config-node.ts'
import type { Problems } from './problems.ts'

export interface Cell {
  readonly text: string
  readonly place: Place
}

const DELIMITERS = [',', ';', '\t'] as const

/** Rows that hold anything; blank lines and lines that begin with `#` are left out. */
export function parseCsv(text: string, file: string, problems: Problems): Cell[][] {
  return new CsvReader(text, file, problems).rows()
}

class CsvReader {
  readonly #text: string
  readonly #file: string
  readonly #problems: Problems
  readonly #delimiter: string
  #at = 0
  #line = 1
  #lineStart = 0

  constructor(text: string, file: string, problems: Problems) {
    this.#text = text
    this.#file = file
    this.#problems = problems
    this.#delimiter = delimiterOf(text)
  }

  rows(): Cell[][] {
    const rows: Cell[][] = []
    while (this.#at < this.#text.length) {
      const isComment = this.#text[this.#at] === '#'
      const row = isComment ? this.#skipLine() : this.#row()
      if (row.some((cell) => cell.text !== '')) rows.push(row)
    }
    return rows
  }

  #skipLine(): Cell[] {
    while (this.#at < this.#text.length && !this.#atNewline()) this.#at++
    this.#newline()
    return []
  }

  #row(): Cell[] {
    const cells = [this.#cell()]
    while (this.#text[this.#at] === this.#delimiter) {
      this.#at++
      cells.push(this.#cell())
    }
    this.#newline()
    return cells
  }

  #cell(): Cell {
    const start = this.#at
    while (this.#text[this.#at] === ' ') this.#at++
    const place = this.#place()
    if (this.#text[this.#at] === '"') return { text: this.#quoted(place), place }
    while (this.#at < this.#text.length && this.#text[this.#at] !== this.#delimiter && !this.#atNewline()) this.#at++
    return { text: this.#text.slice(start, this.#at).trim(), place }
  }

  #quoted(place: Place): string {
    let text = ''
    this.#at++
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) {
        this.#problems.add(place, [], 'a quoted cell is not closed: " is missing')
        return text
      }
      if (character === '"') {
        this.#at++
        if (this.#text[this.#at] !== '"') break
      }
      text += character
      this.#at++
      if (character === '\n') this.#beginLine()
    }
    this.#afterQuote()
    return text
  }

  #afterQuote(): void {
    const place = this.#place()
    const start = this.#at
    while (this.#at < this.#text.length && this.#text[this.#at] !== this.#delimiter && !this.#atNewline()) this.#at++
    if (this.#text.slice(start, this.#at).trim() !== '')
      this.#problems.add(place, [], 'text after the closing quote of a cell')
  }

  #atNewline(): boolean {
    return this.#text[this.#at] === '\n' || this.#text[this.#at] === '\r'
  }

  #newline(): void {
    if (this.#text[this.#at] === '\r') this.#at++
    if (this.#text[this.#at] === '\n') this.#at++
    this.#beginLine()
  }

  #beginLine(): void {
    this.#line++
    this.#lineStart = this.#at
  }

  #place(): Place {
    return { file: this.#file, line: this.#line, column: this.#at - this.#lineStart + 1 }
  }
}

function delimiterOf(text: string): string {
  const header = text.split(/\r?\n/).find((line) => line.trim() !== '' && !line.startsWith('#')) ?? ''
  const count = (delimiter: string): number => header.split(delimiter).length
  return DELIMITERS.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best))
}
