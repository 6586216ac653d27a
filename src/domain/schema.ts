// Building blocks for configuration schemas: one TypeBox definition gives type, validation, JSON Schema and reference.
// Used by the config room and by each driver's and uplink's own schema.

import { Type, type TObject, type TProperties } from 'typebox'
import { ID_PATTERN } from './ids.ts'
import { DURATION_PATTERN, SIZE_PATTERN, formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

interface Annotations {
  description: string
  /** As written in YAML, for example `1s`. */
  default?: unknown
  examples?: unknown[]
  /** Marks a value that must never reach a log, a page or a message. */
  secret?: boolean
}

/** An object that refuses unknown keys: a misspelt key must never be silently ignored. */
export function strictObject<T extends TProperties>(
  properties: T,
  annotations: { description?: string } = {},
): TObject<T> {
  return Type.Object(properties, { additionalProperties: false, ...annotations })
}

/** A group of keys that may be left out as a whole, because each of them may. */
export function section<T extends TProperties>(properties: T, annotations: { description: string }): TObject<T> {
  return Type.Object(properties, { additionalProperties: false, default: {}, ...annotations })
}

/** `500ms`, `1s`, `5m`, `30d`, `1y`; decoded to milliseconds. */
export function durationSchema(annotations: Annotations) {
  return Type.Codec(Type.String({ pattern: DURATION_PATTERN, format: 'telemetryx-duration', ...annotations }))
    .Decode((text) => parseDuration(text))
    .Encode((ms) => formatDuration(ms))
}

/** `512MiB`, `8GiB`; decoded to bytes. */
export function sizeSchema(annotations: Annotations) {
  return Type.Codec(Type.String({ pattern: SIZE_PATTERN, format: 'telemetryx-size', ...annotations }))
    .Decode((text) => parseSize(text))
    .Encode((bytes) => formatSize(bytes))
}

/** An id: lower-case letters, digits, `_` and `-`. */
export function idSchema(annotations: Annotations) {
  return Type.String({ pattern: ID_PATTERN, maxLength: 64, ...annotations })
}
