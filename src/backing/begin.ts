// The statement that opens a transaction.

import type { TransactionOptions } from './database.ts'

const ISOLATIONS = { readCommitted: 'READ COMMITTED', repeatableRead: 'REPEATABLE READ' } as const

export function beginStatement({
  isolation = 'readCommitted',
  isReadOnly = false,
  prologue = '',
}: TransactionOptions): string {
  return `BEGIN ISOLATION LEVEL ${ISOLATIONS[isolation]}${isReadOnly ? ' READ ONLY' : ''};${prologue}`
}
