// How many requests an address and an account may make. Beyond it: 429 with Retry-After, before anything is worked on. The
// limits are far above what dashboards and programs need; they keep a runaway script from taking the box away from the plant.

import fastifyRateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import type { ApiContext, ApiServer, RateLimits } from './context.ts'
import { RequestError } from './problem.ts'

export const RATE_LIMITS: RateLimits = { addressPerMinute: 12_000, accountPerMinute: 12_000 }
const WINDOW_MS = 60_000
/** Most addresses and accounts remembered; the one unseen for longest goes first. */
const MAX_KEYS = 10_000

/** For every route registered after it. Counts before anybody is asked who they are, and again once that is known. */
export async function installRateLimits(app: ApiServer, { options }: ApiContext): Promise<{ ofAccounts(): void }> {
  const limits = options.rateLimits ?? RATE_LIMITS
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

/** A household or office has a /64 of its own: addresses within it are free. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [head = '', tail = ''] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === '' ? [] : tail.split(':')
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
  return groups.slice(0, 4).join(':')
}
