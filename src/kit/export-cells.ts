// Numbers and texts as they stand in exported files, wherever these are made.

/** Shortest text that gives the same float64 again, −0 included. */
export function exactNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** Text as a cell: quoted when it holds what would end or split it (RFC 4180 §2.6, §2.7). */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
