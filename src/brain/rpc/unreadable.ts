// Messages whose bytes make no sense. grpc-js would end such a call with INTERNAL and without a word of what is wrong; here the
// caller hears INVALID_ARGUMENT with details, as of any other mistake. A stream ends with its first such message, the server goes on.

import { ServerInterceptingCall, type ServerInterceptor, type ServiceDefinition } from '@grpc/grpc-js'
import type { Log } from '#domain/driver.ts'
import { invalidArgument, statusOf, type CallError } from './answers.ts'

const MAX_REASON = 200

/** Stands in the place of a message that could not be read, from the reading to the interceptor. */
class Unreadable {
  readonly reason: string

  constructor(cause: unknown) {
    this.reason = reasonOf(cause)
  }
}

/** What a caller hears whose message could not be read, for `cause`. */
export function unreadable(cause: unknown): CallError {
  return invalidArgument({ field: 'request', description: `cannot be read as protobuf: ${reasonOf(cause)}` })
}

function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, MAX_REASON)
}

/** The same service, whose requests are read without an exception. */
export function readable(service: ServiceDefinition): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => {
      const read = method.requestDeserialize
      const requestDeserialize = (bytes: Buffer): object => {
        try {
          return read(bytes)
        } catch (cause) {
          return new Unreadable(cause)
        }
      }
      return [name, { ...method, requestDeserialize }]
    }),
  )
}

/** Ends a call with INVALID_ARGUMENT at a message that is not `readable`: its handler never sees one. */
export function refusingUnreadable(log: Log): ServerInterceptor {
  return (_method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMessage: (message: unknown, pass) => {
            if (!(message instanceof Unreadable)) return pass(message)
            call.sendStatus(statusOf(unreadable(message.reason), log))
          },
        }),
    })
}
