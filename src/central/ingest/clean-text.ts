// Text as PostgreSQL can keep it: it knows no NUL, and JSON with half a surrogate pair is refused.

const REPLACEMENT = '\ufffd'

/** `maxLength` in UTF-16 code units; what is beyond is cut off. */
export function cleanText(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const cut = text.length > maxLength ? text.slice(0, maxLength) : text
  return cut.toWellFormed().replaceAll('\0', REPLACEMENT)
}

/** JSON text for a `jsonb` column. */
export function cleanJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'string') return cleanText(part)
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    const names = Object.keys(part)
    if (names.every((name) => cleanText(name) === name)) return part
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [cleanText(name), inner]))
  })
}
