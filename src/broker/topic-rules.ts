// Which topics a user may publish and subscribe to. A rule is a topic filter: `+` one level, `#` at the end all that follow.

/** True when `topic` matches the filter (MQTT 3.1.1 §4.7). */
export function matches(filter: string, topic: string): boolean {
  return covers(filter, topic)
}

/**
 * True when everything that `wanted` (a topic or a filter) matches is matched by `rule`. Wildcards at the beginning do not
 * reach topics of the broker itself, which begin with `$` (MQTT 3.1.1 §4.7.2).
 */
export function covers(rule: string, wanted: string): boolean {
  if (wanted.startsWith('$') && (rule.startsWith('+') || rule.startsWith('#'))) return false
  const allowed = rule.split('/')
  const asked = wanted.split('/')
  for (const [index, level] of allowed.entries()) {
    if (level === '#') return true
    const other = asked[index]
    if (other === undefined || other === '#') return false
    if (level !== '+' && level !== other) return false
  }
  return asked.length === allowed.length
}
