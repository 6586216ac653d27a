// How many requests an address and an account may make. Beyond it: 429 with Retry-After, before anything is worked on. The
// limits are far above what dashboards and programs need; they keep a runaway script from taking the box away from the plant.

import fastifyRateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import type { ApiContext, ApiServer } from './context.ts'
import { networkOf } from './network.ts'
import { RequestError } from './problem.ts'

const WINDOW_MS = 60_000
/** Most addresses and accounts remembered; the one unseen for longest goes first. */
const MAX_KEYS = 10_000

/** For every route registered after it. Counts before anybody is asked who they are, and again once that is known. */
export async function installRateLimits(
  app: ApiServer,
  { options, limits }: ApiContext,
): Promise<{ ofAccounts(): void }> {
  // Without authentication only this machine is served.
  if (options.http.auth === 'none') return { ofAccounts: () => {} }
  await app.register(fastifyRateLimit, { global: false, cache: MAX_KEYS })
  app.addHook(
    'onRequest',
    limiter(app, limits.addressPerMinute, (request) => `address ${networkOf(request.ip)}`),
  )
  return {
    ofAccounts: () => {
      const limit = limiter(app, limits.accountPerMinute, ({ principal }) => `account ${principal!.name}`)
      app.addHook('onRequest', async (request) => {
        // Commands on this machine could as well stop the gateway.
        if (request.principal !== null && request.principal.via !== 'local') await limit(request)
      })
    },
  }
}

function limiter(
  app: ApiServer,
  max: number,
  keyGenerator: (request: FastifyRequest) => string,
): (request: FastifyRequest) => Promise<void> {
  const count = app.createRateLimit({ max, timeWindow: WINDOW_MS, keyGenerator })
  return async (request) => {
    const result = await count(request)
    if (result.isAllowed || !result.isExceeded) return
    const seconds = Math.max(1, result.ttlInSeconds)
    throw new RequestError('TOO_MANY_REQUESTS', `More than ${max} requests in a minute; wait ${seconds} s`, {
      headers: { 'retry-after': String(seconds) },
    })
  }
}
