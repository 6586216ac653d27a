// The query thread's entry: reads over a connection of its own, so that no query delays a commit. Queries that come together
// take turns, one slice each.

import { constants, getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { QueryCalls, Reply, StatisticsColumns } from './protocol.ts'
import { queryAggregate, queryBuckets } from './query-buckets.ts'
import { QueryFiles } from './query-files.ts'
import { queryEdge, queryReadings } from './query-readings.ts'
import type { QueryView } from './query-view.ts'
import { type Answers, serveCalls } from './serve-calls.ts'
import type { Sight } from './sight.ts'
import { Turns, type Steps } from './turns.ts'

/** How much nicer this thread is: on a busy machine polling and commits go first. */
const NICENESS = 5
const LEAST_PRIORITY = constants.priority.PRIORITY_LOW

function start(): void {
  yieldToOthers()
  const { dataDir } = workerData as { readonly dataDir: string }
  const turns = new Turns()
  const files = new QueryFiles(dataDir, (what, error) => {
    const fields = { what, reason: String(error) }
    const message = 'Stored data cannot be read and are left out'
    parentPort!.postMessage({ type: 'log', level: 'error', fields, message } satisfies Reply)
  })
  const run = <T>(sight: Sight, steps: (view: QueryView) => Steps<T>, signal: AbortSignal): Promise<T> =>
    turns.query(files.using(sight, steps), signal)
  const answers: Answers<QueryCalls> = {
    readings: ({ sight, query }, signal) => run(sight, (view) => queryReadings(view, query), signal),
    buckets: ({ sight, query }, signal) => run(sight, (view) => queryBuckets(view, query), signal),
    statistics: ({ sight, query }, signal) => run(sight, (view) => statistics(view, query), signal),
    entries: ({ sight, query }) => files.entries(sight).query(query),
    close: () => {
      turns.stop()
      files.close()
      return null
    },
  }
  serveCalls<QueryCalls>(answers, () => {})
}

/** On Linux a priority belongs to a thread: that of the others stays. */
function yieldToOthers(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(Math.min(LEAST_PRIORITY, getPriority() + NICENESS))
  } catch {
    // Without it queries are only less polite.
  }
}

function* statistics(
  view: QueryView,
  { sensor, from, to }: QueryCalls['statistics']['ask']['query'],
): Steps<StatisticsColumns> {
  const { count, min, max, mean, squares } = yield* queryAggregate(view, sensor, from, to)
  const first = yield* queryEdge(view, { sensor, from, to, newest: false })
  const last = yield* queryEdge(view, { sensor, from, to, newest: true })
  return { count, min, max, mean, squares, first, last }
}

start()
