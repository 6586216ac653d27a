// auth.json: users and tokens of one gateway. Readable by the owner only, replaced atomically, never half written.

import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { ROLES } from './roles.ts'

const RoleSchema = Type.Enum([...ROLES])

const AuthFileSchema = Type.Object({
  version: Type.Literal(1),
  /** SHA-256 of the one-time set-up token; null once there is an administrator. */
  setupHash: Type.Union([Type.String(), Type.Null()]),
  users: Type.Array(
    Type.Object({ name: Type.String(), role: RoleSchema, passwordHash: Type.String(), createdAt: Type.String() }),
  ),
  tokens: Type.Array(
    Type.Object({
      id: Type.String(),
      name: Type.String(),
      role: RoleSchema,
      hash: Type.String(),
      createdAt: Type.String(),
      /** ISO 8601; absent or null: never. */
      expiresAt: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      lastUsedAt: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      /** Devices that it may hand readings in for, and nothing else; absent or null: all that its role may. */
      ingest: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
    }),
  ),
})

export type AuthFile = Static<typeof AuthFileSchema>

const validator = Compile(AuthFileSchema)

export const EMPTY_AUTH: AuthFile = { version: 1, setupHash: null, users: [], tokens: [] }

/**
 * Content of the file; empty when there is none. Throws STORE_CORRUPT when it is damaged: starting with no users would let
 * the next visitor become administrator.
 */
export async function readAuthFile(path: string): Promise<AuthFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY_AUTH
    throw toTelemetryError(error, 'STORE_IO', { context: { path } })
  }
  const content = parse(text)
  if (!validator.Check(content)) {
    throw new TelemetryError(
      'STORE_CORRUPT',
      `${path} is damaged; restore it from a backup, or delete it to set the gateway up anew`,
      { context: { path } },
    )
  }
  return content
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Replaces the file; durable when it resolves. Throws STORE_IO. */
export async function writeAuthFile(path: string, content: AuthFile): Promise<void> {
  const temporary = `${path}.new`
  try {
    // A file left by a crash would keep its own mode.
    await rm(temporary, { force: true })
    await writeDurably(temporary, `${JSON.stringify(content, null, 2)}\n`)
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    throw toTelemetryError(error, 'STORE_IO', { context: { path } })
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
