// The steps that Redis must do as one: counting within a window, and keeping only the newest of each latest value.

import type { CommandParser } from '@redis/client'

/** One latest value. Of two for one field the one with the higher `order` stays; of equals the later one to arrive. */
export interface LatestValue {
  readonly field: string
  /** For example the time in Unix milliseconds. A finite number. */
  readonly order: number
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

/** A cell is the order, a space, the value. */
export const PUT_LATEST = {
  SCRIPT: `
for i = 2, #ARGV, 3 do
  local cell = redis.call('HGET', KEYS[1], ARGV[i])
  if not cell or tonumber(string.match(cell, '^[^ ]+')) <= tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 0`,
  NUMBER_OF_KEYS: 1,
  parseCommand(parser: CommandParser, key: string, ttlMs: number, values: readonly LatestValue[]): void {
    parser.pushKey(key)
    parser.push(String(ttlMs))
    for (const { field, order, value } of values) parser.push(field, String(order), value)
  },
  transformReply(): void {},
} as const

/** The value in a cell. */
export function valueIn(cell: string): string {
  return cell.slice(cell.indexOf(' ') + 1)
}
