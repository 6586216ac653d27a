// One line of the audit log: JSON with the hash of itself and the line before, so that a line that was changed, removed or put
// in shows. A chain proves order and wholeness, not authorship: who can write the whole file can write a whole new chain.
//
//   line = {"seq":…,"time":…,…,"hash":"…"} LF       hash = hex SHA-256(hash of the line before, LF, the line without its hash)

import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { AuditEntry } from '#domain/audit.ts'

/** Before the first line of a log. */
export const GENESIS = '0'.repeat(64)

export interface ChainedEntry extends AuditEntry {
  readonly hash: string
}

const LineSchema = Type.Object({
  seq: Type.Integer({ minimum: 1 }),
  time: Type.Number(),
  action: Type.String(),
  target: Type.Union([Type.String(), Type.Null()]),
  who: Type.String(),
  via: Type.String(),
  from: Type.Union([Type.String(), Type.Null()]),
  outcome: Type.Enum(['done', 'refused', 'failed']),
  before: Type.Unknown(),
  after: Type.Unknown(),
  suppressed: Type.Integer({ minimum: 0 }),
  hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
})
const validator = Compile(LineSchema)

/** The line of an entry behind the one with `previousHash`, with its line feed. */
export function chainLine(entry: AuditEntry, previousHash: string): { line: string; hash: string } {
  const hash = hashOf(entry, previousHash)
  return { line: `${JSON.stringify({ ...plain(entry), hash })}\n`, hash }
}

/** Entry of a line without its line feed; null for anything else. */
export function parseLine(line: string): ChainedEntry | null {
  try {
    const parsed: unknown = JSON.parse(line)
    return validator.Check(parsed) ? (parsed as ChainedEntry) : null
  } catch {
    return null
  }
}

/** Whether `entry` is as it was written behind the line with `previousHash`. */
export function followsFrom(entry: ChainedEntry, previousHash: string): boolean {
  return entry.hash === hashOf(entry, previousHash)
}

function hashOf(entry: AuditEntry, previousHash: string): string {
  return createHash('sha256')
    .update(`${previousHash}\n${JSON.stringify(plain(entry))}`)
    .digest('hex')
}

/** In a fixed order of keys, without what does not belong into the hash. */
function plain(entry: AuditEntry): AuditEntry {
  const { seq, time, action, target, who, via, from, outcome, before, after, suppressed } = entry
  return { seq, time, action, target, who, via, from, outcome, before, after, suppressed }
}
