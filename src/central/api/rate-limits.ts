// How many requests an address, a tenant, and a tenant at one route may make. Beyond it: 429 with Retry-After, before anything is
// worked on. Counters are shared by all processes through Redis when there is one.

import fastifyRateLimit, { type FastifyRateLimitStore } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { networkOf } from '#api/network.ts'
import { RequestError } from '#api/problem.ts'
import type { SharedValues } from '../people/shared-values.ts'
import type { CentralContext, CentralServer } from './context.ts'

const WINDOW_MS = 60_000

/** For every route registered after it: addresses at once, tenants when `ofTenants` is called, once it is known who asks. */
export async function installRateLimits(
  app: CentralServer,
  { options }: CentralContext,
): Promise<{ ofTenants(): void }> {
  const { addressPerMinute, routePerMinute, tenantPerMinute } = options.http.limits
  await app.register(fastifyRateLimit, { global: false, store: storeOn(options.shared) })
  const limiter = limiters(app)
  app.addHook(
    'onRequest',
    limiter(addressPerMinute, (request) => `address:${networkOf(request.ip)}`),
  )
  return {
    ofTenants: () => {
      const ofTenant = limiter(tenantPerMinute, ({ caller }) => `tenant:${caller!.tenantNumber}`)
      const ofRoute = limiter(
        routePerMinute,
        ({ caller, routeOptions }) =>
          `route:${caller!.tenantNumber}:${routeOptions.method?.toString()} ${routeOptions.url}`,
      )
      app.addHook('onRequest', async (request) => {
        if (request.caller === null) return
        await ofTenant(request)
        if (request.routeOptions.config.isBulk !== true) await ofRoute(request)
      })
    },
  }
}

function limiters(app: CentralServer) {
  return (max: number, keyGenerator: (request: FastifyRequest) => string) => {
    const count = app.createRateLimit({ max, timeWindow: WINDOW_MS, keyGenerator })
    return async (request: FastifyRequest): Promise<void> => {
      const result = await count(request)
      if (result.isAllowed || !result.isExceeded) return
      const seconds = Math.max(1, result.ttlInSeconds)
      throw new RequestError('TOO_MANY_REQUESTS', `More than ${max} requests in a minute; wait ${seconds} s`, {
        headers: { 'retry-after': String(seconds) },
      })
    }
  }
}

/** The plugin makes its store by itself, from a class. */
function storeOn(shared: SharedValues): new () => FastifyRateLimitStore {
  return class SharedStore implements FastifyRateLimitStore {
    incr(key: string, callback: (error: Error | null, result?: { current: number; ttl: number }) => void): void {
      void tell(shared, `rate:${key}`, callback)
    }

    child(): FastifyRateLimitStore {
      return this
    }
  }
}

/** Counts never fail: without Redis they are those of this process. */
async function tell(
  shared: SharedValues,
  key: string,
  callback: (error: Error | null, result?: { current: number; ttl: number }) => void,
): Promise<void> {
  const { count, resetMs } = await shared.increment(key, WINDOW_MS)
  callback(null, { current: count, ttl: resetMs })
}
