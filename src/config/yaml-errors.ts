// What the YAML parser found wrong, in words that help someone who does not know YAML's grammar.

import type { YAMLError } from 'yaml'

const WORDS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  TAB_AS_INDENT: 'a tab indents this line; YAML takes spaces only',
  BAD_INDENT:
    'this line is not indented like its neighbours; keys of one map and entries of one list start at the same column',
  BLOCK_AS_IMPLICIT_KEY: 'a ":" after a value; put the value in quotes if the ":" belongs to it, or begin a new line',
  MULTILINE_IMPLICIT_KEY:
    'a key without ":" and value, or a text that goes on in the next line; check this line and the one after it',
  BAD_DQ_ESCAPE: 'an unknown escape in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_SCALAR_START: 'a value cannot begin with this character; put it in quotes',
  RESOURCE_EXHAUSTION: 'this is nested too deeply',
  MULTIPLE_DOCS: 'a second document ("---"); a configuration is one document',
  TAG_RESOLVE_FAILED:
    'a tag (a word that begins with "!") that has no meaning here; put the value in quotes if it is meant as text',
}

/**
 * The faults worth telling: one broken place makes the parser lose its way, and everything after it is then
 * "unexpected". Of these followers, and of several faults in one line, only the first remains.
 */
export function leadingFaults(faults: readonly YAMLError[], lineOf: (offset: number) => number): YAMLError[] {
  const lines = new Set<number>()
  const leading: YAMLError[] = []
  for (const fault of [...faults].sort((a, b) => a.pos[0] - b.pos[0])) {
    const isFollower = leading.length > 0 && fault.message.includes('token in YAML stream')
    if (isFollower || lines.has(lineOf(fault.pos[0]))) continue
    lines.add(lineOf(fault.pos[0]))
    leading.push(fault)
  }
  return leading
}

/** One line without position; never an excerpt of the text. */
export function yamlErrorWords(error: YAMLError, text: string): string {
  const at = error.pos[0]
  if (standsAtReference(text, at)) return 'put ${NAME} in quotes when it stands between { } or [ ]: "${NAME}"'
  if (error.code === 'MISSING_CHAR') return missingCharacter(error.message)
  return WORDS[error.code] ?? `something unexpected: ${lowerFirst(error.message)}`
}

/** `{ port: ${PORT} }`: there the braces of the reference are taken for YAML's own. */
function standsAtReference(text: string, offset: number): boolean {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  const before = text.slice(lineStart, offset + 2)
  return /[{[][^"']*\$\{[A-Za-z0-9_:/.-]*\}?$/.test(before)
}

function missingCharacter(message: string): string {
  if (message.includes("'quote")) return "a text in single quotes is not closed: ' is missing"
  if (message.includes('"quote')) return 'a text in double quotes is not closed: " is missing'
  if (message.startsWith('Implicit map keys'))
    return 'a key without a value; write "key: value", with a space after the colon'
  if (message.startsWith('Missing , ')) return 'a comma is missing between two entries'
  if (message.startsWith('Missing space after :')) return 'a space is missing after the colon'
  return lowerFirst(message)
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
