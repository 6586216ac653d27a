// What a PromQL expression asks for, and what a page of metrics offers.

const AGGREGATION = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g
const STRINGS = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g
const NAME = /(?<![\w:$])[a-zA-Z_:][\w:]*(?![\w:]|\s*\()/g
const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'group_left', 'group_right', 'Inf', 'NaN'])

/** Names of the time series in an expression, each once. */
export function seriesIn(expression: string): string[] {
  const bare = expression
    .replace(STRINGS, '""')
    .replace(AGGREGATION, ' ')
    .replace(/\{[^}]*\}/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
  const names = [...bare.matchAll(NAME)].map(([name]) => name).filter((name) => !KEYWORDS.has(name))
  return [...new Set(names)]
}

/** Names of labels that an expression matches or groups by. */
export function labelsIn(expression: string): string[] {
  const bare = expression.replace(STRINGS, '""')
  const matched = [...bare.matchAll(/\{([^}]*)\}/g)].flatMap(([, inside]) =>
    [...inside!.matchAll(/([a-z_]\w*)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
  )
  const grouped = [...bare.matchAll(AGGREGATION)].flatMap(([group]) =>
    group
      .replace(/^\w+\s*\(/, '')
      .replace(')', '')
      .split(',')
      .map((label) => label.trim()),
  )
  return [...new Set([...matched, ...grouped])].filter((label) => label !== '')
}

export interface Offered {
  /** Names of series, those of a histogram's buckets included. */
  readonly series: ReadonlySet<string>
  readonly labels: ReadonlySet<string>
}

/** What is on a page of metrics, and what Prometheus adds to each target. `more`: labels of series that have no sample yet. */
export function offeredBy(page: string, more: readonly string[] = []): Offered {
  const series = new Set(['up'])
  const labels = new Set(['instance', 'job', ...more])
  for (const [, name, type] of page.matchAll(/^# TYPE (\S+) (\w+)$/gm)) {
    const endings = type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    for (const ending of endings) series.add(name! + ending)
  }
  for (const [, inside] of page.matchAll(/^\w+\{(.*)\} /gm)) {
    for (const [, label] of inside!.replace(STRINGS, '""').matchAll(/(\w+)=""/g)) labels.add(label!)
  }
  return { series, labels }
}

/** What of an expression nobody offers. */
export function unknownIn(expression: string, { series, labels }: Offered): string[] {
  return [
    ...seriesIn(expression).filter((name) => !series.has(name)),
    ...labelsIn(expression).filter((label) => !labels.has(label)),
  ]
}
