// The steps that Redis must do as one: counting within a window, and keeping only the newest of each latest value.

import type { CommandParser } from '@redis/client'

/** One latest value. Of two for one field the one with the higher `order` stays; of equals the later one to arrive. */
export interface LatestValue {
  readonly field: string
  /** For example epoch and seq: the second counts where the first is the same. Finite numbers. */
  readonly order: readonly [number, number]
  readonly value: string
}

export const INCREMENT = {
  SCRIPT: `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
return { count, left }`,
  NUMBER_OF_KEYS: 1,
  parseCommand(parser: CommandParser, key: string, by: number, windowMs: number): void {
    parser.pushKey(key)
    parser.push(String(by), String(windowMs))
  },
  transformReply(reply: unknown): readonly [count: number, leftMs: number] {
    return reply as [number, number] // as the script returns them
  },
} as const

/** A cell is the two numbers of the order, since when the value is known to be the latest (milliseconds of Redis), the value. */
export const PUT_LATEST = {
  SCRIPT: `
local time = redis.call('TIME')
local since = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[2])
for i = 3, #ARGV, 4 do
  local cell = redis.call('HGET', KEYS[1], ARGV[i])
  local first, second = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local stamp, isNewer = since, true
  if cell then
    local f, s, before = string.match(cell, '^(%S+) (%S+) (%S+)')
    f, s = tonumber(f), tonumber(s)
    isNewer = f < first or f == first and s <= second
    if f == first and s == second then stamp = math.max(stamp, tonumber(before)) end
  end
  if isNewer then
    redis.call('HSET', KEYS[1], ARGV[i],
      ARGV[i + 1] .. ' ' .. ARGV[i + 2] .. ' ' .. string.format('%.0f', stamp) .. ' ' .. ARGV[i + 3])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 0`,
  NUMBER_OF_KEYS: 1,
  parseCommand(parser: CommandParser, key: string, put: LatestPut): void {
    parser.pushKey(key)
    parser.push(String(put.ttlMs), String(put.ageMs))
    for (const { field, order, value } of put.values) parser.push(field, String(order[0]), String(order[1]), value)
  },
  transformReply(): void {},
} as const

export interface LatestPut {
  /** Of the whole hash, from now on. */
  readonly ttlMs: number
  /** How long ago the values were known to be the latest. */
  readonly ageMs: number
  readonly values: readonly LatestValue[]
}

/** The value in a cell, and since when it is known to be the latest: milliseconds of Redis. */
export function readCell(cell: string): { readonly since: number; readonly value: string } {
  const [, since = '0', value = ''] = /^\S+ \S+ (\S+) ([^]*)$/.exec(cell) ?? []
  return { since: Number(since), value }
}
