// Random secrets (session ids, tokens, the set-up token) and their hashes. They carry 256 random bits, so a plain SHA-256
// is enough: there is nothing to guess. Only hashes are kept.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

export function newSecret(prefix = ''): string {
  return prefix + randomBytes(32).toString('base64url')
}

/** SHA-256 in hexadecimal. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex')
}

export function matchesHash(secret: string, hash: string): boolean {
  const expected = Buffer.from(hash, 'hex')
  const actual = Buffer.from(hashSecret(secret), 'hex')
  return expected.length === actual.length && timingSafeEqual(actual, expected)
}
