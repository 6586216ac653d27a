// The store thread's entry: messages in, answers out; the first message is its settings. All work is in engine.ts.

import { parentPort } from 'node:worker_threads'
import type { RecordBatch } from '#domain/reading.ts'
import { StoreEngine } from './engine.ts'
import type { BatchColumns, FromStore, StoreCalls, StoreSettings, ToStore } from './protocol.ts'
import { type Answers, columnsOf, serveCalls } from './serve-calls.ts'

const port = parentPort!
const send = (message: FromStore): void => port.postMessage(message)

function start(settings: StoreSettings): void {
  let engine: StoreEngine
  try {
    // What the engine tells while it opens comes after `ready`.
    const early: FromStore[] = []
    let isReady = false
    engine = new StoreEngine(settings, (message) => (isReady ? send(message) : early.push(message)))
    send({ type: 'ready', epoch: engine.epoch, quarantined: engine.quarantined, figures: engine.figures() })
    isReady = true
    early.forEach(send)
  } catch (error) {
    send({ type: 'refused', error: columnsOf(error) })
    port.close()
    return
  }
  serveCalls<StoreCalls>(answersOf(engine), (message) => onMessage(engine, message as ToStore))
}

function onMessage(engine: StoreEngine, message: ToStore): void {
  switch (message.type) {
    case 'release':
      engine.release(message)
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
    case 'call':
    case 'abort':
      return // taken by serveCalls
  }
}

function answersOf(engine: StoreEngine): Answers<StoreCalls> {
  return {
    register: ({ sensors }) => engine.register(sensors),
    flush: async (_ask, signal) => {
      await engine.flush(signal)
      return null
    },
    beat: () => engine.figures(),
    close: () => {
      engine.close()
      return null
    },
    read: ({ after, limit }) => batchColumns(engine.read(after, limit)),
    count: ({ from, to }) => engine.count(from, to),
    cursor: ({ reader }) => engine.tables.readers.open(reader),
    see: ({ sensor }) => engine.see(sensor),
    openAlarms: () => {
      engine.commitEntries()
      return engine.tables.entries.openAlarms()
    },
    addLetters: ({ uplink, letters, max }) => engine.tables.letters.add(uplink, letters, max),
    listLetters: ({ uplink, after, limit }) => engine.tables.letters.list(uplink, after, limit),
    getLetter: ({ uplink, id }) => engine.tables.letters.get(uplink, id),
    removeLetters: ({ uplink, ids }) => engine.tables.letters.remove(uplink, ids),
    countLetters: ({ uplink }) => engine.tables.letters.count(uplink),
    restamp: (ask) => engine.restamp(ask),
    compact: async (_ask, signal) => {
      await engine.compactNow(signal)
      return null
    },
  }
}

function batchColumns(batch: RecordBatch | null): BatchColumns | null {
  if (!batch) return null
  const { epoch, firstSeq, length, sensor, status, sourceTime, receivedAt, value, texts } = batch
  return { epoch, firstSeq, length, sensor, status, sourceTime, receivedAt, value, texts }
}

port.once('message', start)
