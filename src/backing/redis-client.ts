// The client of Redis as this room sets it up: it reconnects for ever, refuses commands at once while it is not connected, and
// has the scripts.

import { TelemetryError } from '#domain/errors.ts'
import { Backoff } from '#kit/backoff.ts'
import { INCREMENT, PUT_LATEST } from './redis-scripts.ts'

const CONNECT_TIMEOUT_MS = 3000
const RECONNECT_FIRST_MS = 50
const RECONNECT_MAX_MS = 3000
const MAX_QUEUED = 50_000

/** Not connected yet. Throws CONFIG_INVALID when the URL is none. */
export async function redisClient(url: string) {
  const { createClient, defineScript } = await import('@redis/client')
  const backoff = new Backoff({ firstMs: RECONNECT_FIRST_MS, maxMs: RECONNECT_MAX_MS, random: Math.random })
  try {
    return createClient({
      url,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        reconnectStrategy: (retries) => {
          if (retries === 0) backoff.reset()
          return backoff.next()
        },
      },
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_QUEUED,
      scripts: { count: defineScript(INCREMENT), putLatest: defineScript(PUT_LATEST) },
    })
  } catch (cause) {
    throw new TelemetryError('CONFIG_INVALID', 'The URL of Redis must be redis://HOST:PORT or rediss://HOST:PORT', {
      cause,
    })
  }
}

export type RedisClient = Awaited<ReturnType<typeof redisClient>>
