// One line of comma-separated values. Pure.
//
//   line  = cell *(separator cell)
//   cell  = blanks quoted blanks / any but separator, trimmed       quoted = '"' *(any but '"' / '""') '"'     RFC 4180 §2

/** Cells of a line, trimmed unless quoted; null when a quotation is broken. */
export function parseCsvLine(line: string, separator: string): readonly string[] | null {
  const cells: string[] = []
  let at = 0
  for (;;) {
    while (line[at] === ' ' && separator !== ' ') at += 1
    let cell: string
    if (line[at] === '"') {
      const quoted = readQuoted(line, at)
      if (quoted === null) return null
      cell = quoted.text
      at = quoted.end
      while (line[at] === ' ' && separator !== ' ') at += 1
      if (at < line.length && line[at] !== separator) return null
    } else {
      const next = line.indexOf(separator, at)
      const end = next === -1 ? line.length : next
      cell = line.slice(at, end).trim()
      at = end
    }
    cells.push(cell)
    if (at >= line.length) return cells
    at += 1
  }
}

/** @param start place of the opening quotation mark. `end` is behind the closing one. */
function readQuoted(line: string, start: number): { text: string; end: number } | null {
  let text = ''
  let at = start + 1
  for (;;) {
    const quote = line.indexOf('"', at)
    if (quote === -1) return null
    text += line.slice(at, quote)
    if (line[quote + 1] !== '"') return { text, end: quote + 1 }
    text += '"'
    at = quote + 2
  }
}
