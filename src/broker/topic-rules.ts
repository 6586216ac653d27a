// Which topics a user may publish and subscribe to. A rule is a topic filter: `+` one level, `#` at the end all that follow.

/** Tells whether a topic matches one of the filters (MQTT 3.1.1 §4.7); those without wildcards, however many, cost one look-up. */
export function topicSet(filters: readonly string[]): (topic: string) => boolean {
  const exact = new Set(filters.filter((filter) => !/[+#]/.test(filter)))
  const wild = filters.filter((filter) => !exact.has(filter))
  return (topic) => exact.has(topic) || wild.some((filter) => covers(filter, topic))
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
