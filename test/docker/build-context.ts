// What .dockerignore lets through, by Docker's rules: the last pattern that matches decides, `!` brings back, and a folder
// that is brought back brings its content along.

/** Whether the builder gets `path` (relative, with slashes). */
export function isInContext(dockerignore: string, path: string): boolean {
  let isIn = true
  for (const line of dockerignore.split('\n')) {
    const pattern = line.trim()
    if (pattern === '' || pattern.startsWith('#')) continue
    const isException = pattern.startsWith('!')
    const glob = isException ? pattern.slice(1) : pattern
    if (prefixes(path).some((prefix) => expression(glob).test(prefix))) isIn = isException
  }
  return isIn
}

/** As Go's filepath.Match, with Docker's `**`: unlike a shell's, `*` also takes names that begin with a dot. */
function expression(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  const wild = escaped.replace(
    /\*\*\/|\*|\?/g,
    (found) => ({ '**/': '(?:.*/)?', '*': '[^/]*', '?': '[^/]' })[found] ?? found,
  )
  return new RegExp(`^${wild}$`)
}

/** `a/b/c` → `a`, `a/b`, `a/b/c`. */
function prefixes(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'))
}
