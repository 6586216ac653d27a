// Topic filters (MQTT 3.1.1 §4.7): `+` stands for one level, `#` at the end for any number of levels, none included.
// What a wildcard stood for is a capture, in order; `#` captures the rest with its slashes.

const MAX_TOPIC_BYTES = 65_535 // MQTT 3.1.1 §1.5.3
/** More levels than any plant has; brokers and matchers have limits of their own. */
const MAX_LEVELS = 100

/** What is wrong with a filter, in words that follow "a topic"; null when nothing is. */
export function filterFault(filter: string): string | null {
  if (filter === '') return 'must not be empty'
  if (filter.includes('\u0000')) return 'holds no NUL'
  if (Buffer.byteLength(filter) > MAX_TOPIC_BYTES) return `has at most ${MAX_TOPIC_BYTES} bytes`
  if (filter.startsWith('$share/')) return 'of a shared subscription is not supported: readings would go elsewhere'
  const levels = filter.split('/')
  if (levels.length > MAX_LEVELS) return `has at most ${MAX_LEVELS} levels`
  for (const [index, level] of levels.entries()) {
    if (level.length > 1 && level.includes('+')) return 'has + only as a whole level, as in sensors/+/rms'
    if (level.includes('#') && (level.length > 1 || index < levels.length - 1)) {
      return 'has # only as its whole last level, as in sensors/#'
    }
  }
  return null
}

/** Number of wildcards, that is of captures. */
export function wildcards(filter: string): number {
  return filter.split('/').filter((level) => level === '+' || level === '#').length
}

/** The captures when `topic` matches; null when it does not. */
export function matchTopic(filter: readonly string[], topic: readonly string[]): string[] | null {
  // Wildcards at the beginning do not match topics of the broker itself (MQTT 3.1.1 §4.7.2).
  if (topic[0]?.startsWith('$') && (filter[0] === '+' || filter[0] === '#')) return null
  const captures: string[] = []
  for (const [index, level] of filter.entries()) {
    if (level === '#') {
      captures.push(topic.slice(index).join('/'))
      return captures
    }
    const actual = topic[index]
    if (actual === undefined) return null
    if (level === '+') captures.push(actual)
    else if (level !== actual) return null
  }
  return topic.length === filter.length ? captures : null
}
