// SQL text → single statements, at semicolons that stand neither in quotes nor in comments.

export interface Statements {
  readonly complete: readonly string[]
  /** What follows the last semicolon: a statement that is not ended yet. */
  readonly rest: string
}

const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*(?:\n|$)|\/\*[^]*?(?:\*\/|$)|;|[^'"`[\-/;]+|[^]/g
const OPENING = /^['"`[]$/
const COMMENT = /^(?:--|\/\*)/

/** Comments are left out. An open quote or comment belongs to the rest. */
export function splitStatements(text: string): Statements {
  const complete: string[] = []
  let statement = ''
  let isOpen = false
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === ';' && !isOpen) {
      if (statement.trim() !== '') complete.push(statement.trim())
      statement = ''
      continue
    }
    // A quote alone, a comment without an end: that is still to come, and whatever follows belongs to it.
    if (OPENING.test(token) || (token.startsWith('/*') && !/^\/\*[^]*\*\/$/.test(token))) isOpen = true
    statement += COMMENT.test(token) && !isOpen ? ' ' : token
  }
  return { complete, rest: statement.trim() }
}
