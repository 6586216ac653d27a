// A worker thread's end of the conversation with the main thread: takes calls, gives answers, hears that a caller gave up.

import { parentPort } from 'node:worker_threads'
import { isTelemetryError } from '#domain/errors.ts'
import type { CallTable, ErrorColumns, Reply, Request } from './protocol.ts'
import { toStoreError } from './sqlite-errors.ts'

export type Answers<Calls extends CallTable<Calls>> = {
  [C in keyof Calls]: (ask: Calls[C]['ask'], signal: AbortSignal) => Calls[C]['answer'] | Promise<Calls[C]['answer']>
}

/** Answers calls until `close` is answered; every other message goes to `onOther`. */
export function serveCalls<Calls extends CallTable<Calls>>(
  answers: Answers<Calls>,
  onOther: (message: { readonly type: string }) => void,
): void {
  const port = parentPort!
  const running = new Map<number, AbortController>()
  const onCall = async ({ id, call, ask }: Extract<Request<Calls>, { type: 'call' }>): Promise<void> => {
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const answerOne = answers[call] as (ask: unknown, signal: AbortSignal) => unknown
      const answer = await answerOne(ask, controller.signal)
      port.postMessage({ type: 'answer', id, answer } satisfies Reply, buffersOf(answer))
    } catch (error) {
      port.postMessage({ type: 'failure', id, error: columnsOf(error) } satisfies Reply)
    }
    running.delete(id)
    if (call === 'close') port.close()
  }
  port.on('message', (message: Request<Calls> | { readonly type: 'other' }) => {
    if (message.type === 'call') void onCall(message as Extract<Request<Calls>, { type: 'call' }>)
    else if (message.type === 'abort') running.get(message.id)?.abort()
    else onOther(message)
  })
}

/** Memory of an answer's columns, which are its own: it is handed over instead of copied. */
function buffersOf(answer: unknown): ArrayBuffer[] {
  if (typeof answer !== 'object' || answer === null) return []
  const columns = Object.values(answer).filter((column) => ArrayBuffer.isView(column))
  return columns.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer)
}

export function columnsOf(error: unknown): ErrorColumns {
  const { code, message, retryable, context } = toStoreError(error, isTelemetryError(error) ? '' : 'The store failed')
  return { code, message, retryable, context }
}
