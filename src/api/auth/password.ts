// Password hashes: argon2id of node:crypto, kept in the PHC string format
//   $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>        base64 without padding

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { TelemetryError } from '#domain/errors.ts'

// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane; about 30 ms on a PC, 150 ms on a Pi.
const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
const HASH_BYTES = 32
const SALT_BYTES = 16

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

interface Cost {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** PHC string of a password, with a new salt. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password, salt, { memory: MEMORY_KIB, passes: PASSES, parallelism: LANES }, HASH_BYTES)
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(salt)}$${unpadded(hash)}`
}

/** Takes the same time whether the password is right or not. Throws STORE_CORRUPT when `phc` is no PHC string of argon2id. */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const match = PHC.exec(phc)
  if (!match) throw new TelemetryError('STORE_CORRUPT', 'A stored password hash is damaged')
  const expected = Buffer.from(match[5]!, 'base64')
  const cost = { memory: Number(match[1]), passes: Number(match[2]), parallelism: Number(match[3]) }
  const hash = await derive(password, Buffer.from(match[4]!, 'base64'), cost, expected.length)
  return timingSafeEqual(hash, expected)
}

function derive(password: string, salt: Buffer, cost: Cost, tagLength: number): Promise<Buffer> {
  // NFC, so that one password typed on two keyboards is one password (RFC 8265).
  const message = Buffer.from(password.normalize('NFC'), 'utf8')
  return new Promise((resolve, reject) => {
    argon2('argon2id', { message, nonce: salt, tagLength, ...cost }, (error, hash) => {
      if (error) reject(error)
      else resolve(hash)
    })
  })
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
