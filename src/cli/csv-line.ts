// One line of CSV at a time: cells out, with the delimiter that the header uses. A quoted cell may not span lines here.

const DELIMITERS = [',', ';', '\t'] as const

export class CsvLine {
  readonly #delimiter: string

  /** @param header first line of the input. */
  constructor(header: string) {
    const count = (delimiter: string): number => header.split(delimiter).length
    this.#delimiter = DELIMITERS.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best))
  }

  cells(line: string): string[] {
    if (!line.includes('"')) return line.split(this.#delimiter).map((cell) => cell.trim())
    const cells: string[] = []
    let text = ''
    let isQuoted = false
    for (let at = 0; at < line.length; at++) {
      const character = line[at]!
      if (character === '"') {
        if (isQuoted && line[at + 1] === '"') text += line[++at]!
        else isQuoted = !isQuoted
      } else if (character === this.#delimiter && !isQuoted) {
        cells.push(text.trim())
        text = ''
      } else {
        text += character
      }
    }
    return [...cells, text.trim()]
  }

  /** A cell for comma-separated output. */
  quoted(text: string): string {
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
}
