// What calls of grpc-js have in common: a signal that ends their work, and writing no faster than the client takes it.

import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Log } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { statusOf } from '../rpc/answers.ts'

interface Cancellable {
  on(event: 'cancelled', listener: () => void): unknown
  readonly cancelled: boolean
}

/** Aborts when the client cancels, goes away, or its deadline passes. */
export function signalOf(call: Cancellable): AbortSignal {
  const controller = new AbortController()
  call.on('cancelled', () => controller.abort())
  if (call.cancelled) controller.abort()
  return controller.signal
}

/** Throws ABORTED when the caller has gone. */
export function checkSignal(signal: AbortSignal): void {
  if (signal.aborted) throw new TelemetryError('ABORTED', 'The caller gave up', { cause: signal.reason })
}

type Stream<Q, S> = Pick<ServerWritableStream<Q, S>, 'write' | 'once' | 'off'>

/** Resolves when the client can take more. Throws ABORTED. */
export async function writePaced<Q, S>(call: Stream<Q, S>, message: S, signal: AbortSignal): Promise<void> {
  checkSignal(signal)
  if (call.write(message)) return
  await new Promise<void>((resolve) => {
    const go = (): void => {
      call.off('drain', go)
      signal.removeEventListener('abort', go)
      resolve()
    }
    call.once('drain', go)
    signal.addEventListener('abort', go, { once: true })
  })
  checkSignal(signal)
}

/** A handler of a server stream from a function that writes or throws. */
export function serverStream<Q, S>(
  log: Log,
  serve: (request: Q, call: ServerWritableStream<Q, S>, signal: AbortSignal) => Promise<void>,
): (call: ServerWritableStream<Q, S>) => void {
  return (call) => {
    const signal = signalOf(call)
    call.on('error', () => {}) // of a client that has gone; what we emit ourselves is the status
    void serve(call.request, call, signal).then(
      () => call.end(),
      (error: unknown) => {
        if (!signal.aborted) call.emit('error', statusOf(error, log))
      },
    )
  }
}
