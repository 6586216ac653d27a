// Streams that have no end of their own (watching health, reflection, live analysis): a stop ends them at once. Streams of gateways
// are left out: they end by themselves when what is under way has been acknowledged (receiver/sync-call.ts).

import { ServerInterceptingCall, status, type ServerInterceptor } from '@grpc/grpc-js'

type Ends = Pick<ServerInterceptingCall, 'sendStatus'>

const HEALTH_WATCH = '/grpc.health.v1.Health/Watch'
const SYNC = '/telemetryx.v1.IngestService/Sync'

export class EndlessStreams {
  readonly #calls = new Set<Ends>()

  get size(): number {
    return this.#calls.size
  }

  interceptor(): ServerInterceptor {
    return ({ path, requestStream, responseStream }, call) => {
      const isEndless = path === HEALTH_WATCH || (requestStream && responseStream && path !== SYNC)
      if (!isEndless) return new ServerInterceptingCall(call)
      return new ServerInterceptingCall(call, {
        start: (next) => {
          this.#calls.add(call)
          next({ onCancel: () => void this.#calls.delete(call) })
        },
        sendStatus: (answer, next) => {
          this.#calls.delete(call)
          next(answer)
        },
      })
    }
  }

  /** UNAVAILABLE: clients come again. */
  end(): void {
    for (const call of this.#calls)
      call.sendStatus({ code: status.UNAVAILABLE, details: 'The brain stops', metadata: null })
    this.#calls.clear()
  }
}
