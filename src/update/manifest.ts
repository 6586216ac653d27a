// What a release says of itself, signed with Ed25519, and whether an installation may take it. Pure.
//
//   manifest   = { "payload": TEXT, "signatures": [ { "key": ID, "signature": BASE64 } … ] }
//   signed     = "telemetryx-release-1\n" TEXT         the bytes of the payload as they stand: nothing to be made canonical
//   key ID     = first 16 hexadecimal digits of the SHA-256 of the public key (SPKI, DER)

import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { TelemetryError } from '#domain/errors.ts'

const FORMAT = 'telemetryx-release-1'
const VERSION = '^\\d{1,6}\\.\\d{1,6}\\.\\d{1,6}(?:-[0-9A-Za-z.-]{1,64})?$'
const closed = { additionalProperties: false } as const
const VersionSchema = Type.String({ pattern: VERSION })
const TimeSchema = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{3})?Z$' })

export const ReleaseSchema = Type.Object(
  {
    format: Type.Literal(FORMAT),
    /** Grows with each manifest, also with one that only revokes: an older one is never believed again. */
    sequence: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    version: VersionSchema,
    publishedAt: TimeSchema,
    /** After it the manifest is too old to be believed: somebody may be holding a newer one back. */
    expiresAt: TimeSchema,
    /** Installations that are older must take another version first. */
    minimumVersion: VersionSchema,
    /** Versions that nobody may install any more. */
    revoked: Type.Array(VersionSchema, { maxItems: 1000 }),
    files: Type.Array(
      Type.Object(
        {
          architecture: Type.Enum(['x64', 'arm64']),
          /** Of a .tar.gz of the whole program; relative to the manifest. */
          url: Type.String({ minLength: 1, maxLength: 2000 }),
          size: Type.Integer({ minimum: 1, maximum: 1e9 }),
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        closed,
      ),
      { minItems: 1, maxItems: 16 },
    ),
  },
  closed,
)
export type Release = Static<typeof ReleaseSchema>
export type ReleaseFile = Release['files'][number]

const EnvelopeSchema = Type.Object({
  payload: Type.String({ maxLength: 1024 * 1024 }),
  signatures: Type.Array(Type.Object({ key: Type.String(), signature: Type.String({ maxLength: 200 }) }), {
    maxItems: 16,
  }),
})

export function keyId(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16)
}

function signedBytes(payload: string): Buffer {
  return Buffer.from(`${FORMAT}\n${payload}`, 'utf8')
}

/** The text of a manifest. */
export function signRelease(release: Release, privateKey: KeyObject): string {
  const payload = JSON.stringify(Value.Parse(ReleaseSchema, release), null, 2)
  const signature = sign(null, signedBytes(payload), privateKey).toString('base64')
  return `${JSON.stringify({ payload, signatures: [{ key: keyId(privateKey), signature }] }, null, 2)}\n`
}

/** Throws REJECTED for what the key did not sign. */
export function verifiedRelease(text: string, key: KeyObject): Release {
  const envelope = parsed(text)
  if (!Value.Check(EnvelopeSchema, envelope)) throw refused('it is no release manifest')
  const id = keyId(key)
  const { payload, signatures } = envelope
  const isSigned = signatures.some(
    (one) => one.key === id && verify(null, signedBytes(payload), key, Buffer.from(one.signature, 'base64')),
  )
  if (!isSigned) throw refused(`it is not signed with the key ${id} of this installation`)
  const release = parsed(payload)
  if (!Value.Check(ReleaseSchema, release)) throw refused('it is of a kind that this version does not know')
  return release
}

/** What an installation remembers of the manifests that it has believed. */
export interface ReleaseMemory {
  readonly sequence: number
  readonly revoked: readonly string[]
  /** Versions that did not become healthy here. */
  readonly failed: readonly string[]
}

export interface OfferTo {
  readonly version: string
  readonly architecture: string
  readonly memory: ReleaseMemory
  /** Unix milliseconds. */
  readonly now: number
}

/** The file to install; null: there is nothing newer. Throws REJECTED for what must not be installed. */
export function offerOf(release: Release, { version, architecture, memory, now }: OfferTo): ReleaseFile | null {
  if (release.sequence < memory.sequence)
    throw refused(`it is older (${release.sequence}) than one that was seen before (${memory.sequence})`)
  if (Date.parse(release.expiresAt) < now) throw refused(`it was good until ${release.expiresAt} only`)
  if (compareVersions(release.version, version) <= 0) return null
  if ([...release.revoked, ...memory.revoked].includes(release.version)) throw refused(`${release.version} was revoked`)
  if (compareVersions(version, release.minimumVersion) < 0)
    throw refused(`${release.version} needs at least ${release.minimumVersion} to be installed before it`)
  if (memory.failed.includes(release.version))
    throw refused(`${release.version} did not become healthy here; --again tries it once more`)
  const file = release.files.find((one) => one.architecture === architecture)
  if (!file) throw refused(`there is none for ${architecture}`)
  return file
}

/** As Semantic Versioning 2.0.0 §11 orders them. */
export function compareVersions(a: string, b: string): number {
  const [coreA, preA] = cut(a)
  const [coreB, preB] = cut(b)
  const order = compareParts(coreA, coreB)
  if (order !== 0 || preA === preB) return order
  if (preA === undefined) return 1
  if (preB === undefined) return -1
  return compareParts(preA, preB)
}

function cut(version: string): [string, string | undefined] {
  const at = version.indexOf('-')
  return at < 0 ? [version, undefined] : [version.slice(0, at), version.slice(at + 1)]
}

function compareParts(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')]
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [x, y] = [left[at], right[at]]
    if (x === undefined) return -1
    if (y === undefined) return 1
    if (x === y) continue
    const [isX, isY] = [/^\d+$/.test(x), /^\d+$/.test(y)]
    if (isX && isY) return Number(x) - Number(y)
    if (isX !== isY) return isX ? -1 : 1
    return x < y ? -1 : 1
  }
  return 0
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function refused(why: string): TelemetryError {
  return new TelemetryError('REJECTED', `The release is refused: ${why}`)
}
