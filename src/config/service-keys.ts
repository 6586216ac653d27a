// Keys that brain.yaml and central.yaml have in common, and what becomes of them.

import { Type, type StaticDecode } from 'typebox'
import { strictObject } from '#domain/schema.ts'

export const hostSchema = (description: string) =>
  Type.String({ minLength: 1, maxLength: 255, default: '127.0.0.1', description })

export const portSchema = (fallback: number) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: fallback, description: 'TCP port; 0 takes any free one.' })

export const countSchema = (fallback: number, maximum: number, description: string) =>
  Type.Integer({ minimum: 1, maximum, default: fallback, description })

/** A text of one line, or the name of a file. */
export const textSchema = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description })

/** What a server proves with who it is. */
export const certificateKeys = {
  cert: textSchema('File with the certificate and those between it and its root (PEM), relative to this file.'),
  key: textSchema('File with its unencrypted key (PEM), relative to this file.'),
}

export const ServerTlsSchema = strictObject(
  {
    ...certificateKeys,
    clientCa: Type.Optional(
      textSchema(
        'Authority (PEM) of the certificates that clients must have (mutual TLS). Left out: none is asked for.',
      ),
    ),
  },
  { description: 'Encrypts.' },
)

/** Absolute paths; `clientCa` null: no certificate is asked of clients. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly clientCa: string | null
}

/** `path` makes a name absolute. null: nothing is encrypted. */
export function tlsFiles(
  tls: StaticDecode<typeof ServerTlsSchema> | undefined,
  path: (name: string) => string,
): TlsFiles | null {
  if (tls === undefined) return null
  return { cert: path(tls.cert), key: path(tls.key), clientCa: tls.clientCa === undefined ? null : path(tls.clientCa) }
}
