// The store thread's entry: messages in, answers out. All work is in engine.ts.

import { parentPort, workerData } from 'node:worker_threads'
import { isTelemetryError } from '#domain/errors.ts'
import { StoreEngine } from './engine.ts'
import type {
  BatchColumns,
  ErrorColumns,
  FromStore,
  StoreCall,
  StoreCalls,
  StoreSettings,
  ToStore,
} from './protocol.ts'
import type { RecordBatch } from '#domain/reading.ts'
import { queryAggregate, queryBuckets } from './query-buckets.ts'
import { queryEdge, queryReadings } from './query-readings.ts'
import type { QueryView } from './query-view.ts'
import { toStoreError } from './sqlite-errors.ts'
import type { StatisticsColumns } from './protocol.ts'
import type { Steps } from './turns.ts'

const port = parentPort!
const send = (message: FromStore): void => port.postMessage(message)

type Answers = {
  [C in StoreCall]: (
    ask: StoreCalls[C]['ask'],
    signal: AbortSignal,
  ) => StoreCalls[C]['answer'] | Promise<StoreCalls[C]['answer']>
}

function start(): void {
  let engine: StoreEngine
  try {
    // What the engine tells while it opens comes after `ready`.
    const early: FromStore[] = []
    let isReady = false
    engine = new StoreEngine(workerData as StoreSettings, (message) => (isReady ? send(message) : early.push(message)))
    send({ type: 'ready', epoch: engine.epoch, quarantined: engine.quarantined, figures: engine.figures() })
    isReady = true
    early.forEach(send)
  } catch (error) {
    send({ type: 'refused', error: columnsOf(error) })
    port.close()
    return
  }
  serve(engine)
}

function serve(engine: StoreEngine): void {
  const answers = answersOf(engine)
  const running = new Map<number, AbortController>()
  const onCall = async ({ id, call, ask }: Extract<ToStore, { type: 'call' }>): Promise<void> => {
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const answerOne = answers[call] as (ask: unknown, signal: AbortSignal) => unknown
      const answer = await answerOne(ask, controller.signal)
      port.postMessage({ type: 'answer', id, answer } satisfies FromStore, buffersOf(answer))
    } catch (error) {
      send({ type: 'failure', id, error: columnsOf(error) })
    }
    running.delete(id)
    if (call === 'close') port.close()
  }
  port.on('message', (message: ToStore) => {
    switch (message.type) {
      case 'call':
        void onCall(message)
        return
      case 'abort':
        running.get(message.id)?.abort()
        return
      case 'pressure':
        engine.onPressure()
        return
      case 'settle':
        engine.tables.readers.settle(message.reader, message.position, message.note)
        return
      case 'hold':
        engine.hold(message.fromSeq)
        return
      case 'retain':
        engine.retain(message.now)
        return
    }
  })
}

function answersOf(engine: StoreEngine): Answers {
  return {
    register: ({ sensors }) => engine.register(sensors),
    flush: async (_ask, signal) => {
      await engine.flush(signal)
      return null
    },
    close: () => {
      engine.close()
      return null
    },
    read: ({ after, limit }) => batchColumns(engine.read(after, limit)),
    count: ({ from, to }) => engine.count(from, to),
    cursor: ({ reader }) => engine.tables.readers.open(reader),
    readings: ({ query }, signal) => engine.query((view) => queryReadings(view, query), signal),
    buckets: ({ query }, signal) => engine.query((view) => queryBuckets(view, query), signal),
    statistics: ({ sensor, from, to }, signal) => engine.query((view) => statistics(view, sensor, from, to), signal),
    entries: ({ query }) => {
      engine.commitEntries()
      return engine.tables.entries.query(query)
    },
    openAlarms: () => {
      engine.commitEntries()
      return engine.tables.entries.openAlarms()
    },
    restamp: (ask) => engine.restamp(ask),
    compact: async (_ask, signal) => {
      await engine.compactNow(signal)
      return null
    },
  }
}

function* statistics(view: QueryView, sensor: string, from: number, to: number): Steps<StatisticsColumns> {
  const { count, min, max, mean, squares } = yield* queryAggregate(view, sensor, from, to)
  const first = yield* queryEdge(view, { sensor, from, to, newest: false })
  const last = yield* queryEdge(view, { sensor, from, to, newest: true })
  return { count, min, max, mean, squares, first, last }
}

function batchColumns(batch: RecordBatch | null): BatchColumns | null {
  if (!batch) return null
  const { epoch, firstSeq, length, sensor, status, sourceTime, receivedAt, value, texts } = batch
  return { epoch, firstSeq, length, sensor, status, sourceTime, receivedAt, value, texts }
}

/** Memory of an answer's columns, which are its own: it is handed over instead of copied. */
function buffersOf(answer: unknown): ArrayBuffer[] {
  if (typeof answer !== 'object' || answer === null) return []
  const columns = Object.values(answer).filter((column) => ArrayBuffer.isView(column))
  return columns.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer)
}

function columnsOf(error: unknown): ErrorColumns {
  const { code, message, retryable, context } = toStoreError(error, isTelemetryError(error) ? '' : 'The store failed')
  return { code, message, retryable, context }
}

start()
