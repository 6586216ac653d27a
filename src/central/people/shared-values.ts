// Small values and counters that all processes of one central share when there is Redis, and that this one keeps otherwise.

import type { RedisPort } from '#backing/redis.ts'
import { RedisLocal } from '#backing/redis-local.ts'
import type { Clock } from '#kit/clock.ts'

export type SharedValues = Pick<RedisPort, 'get' | 'set' | 'delete' | 'increment'>

/** Those of this process alone. */
export function localValues(clock: Clock): SharedValues {
  const local = new RedisLocal(clock)
  return {
    get: (key) => Promise.resolve(local.get(key)),
    set: (key, value, ttlMs) => Promise.resolve(local.keep(key, value, ttlMs ?? Number.POSITIVE_INFINITY)),
    delete: (key) => Promise.resolve(local.forget(key)),
    increment: (key, windowMs, by = 1) => Promise.resolve(local.increment(key, windowMs, by)),
  }
}
