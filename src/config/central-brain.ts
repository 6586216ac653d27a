// The section `brain` of central.yaml: its keys as they are written, and as central takes them.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, idSchema, strictObject } from '#domain/schema.ts'
import type { PlainRule } from './plain-file.ts'

const MIN_TIMEOUT_MS = 100
/** Beyond it central's own answer would come too late. */
const MAX_TIMEOUT_MS = 25_000

const file = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description }))

const token = (description: string) => Type.String({ minLength: 1, maxLength: 4096, secret: true, description })

/** url, tls and token are named as those of a grpc uplink. */
export const CentralBrainSchema = strictObject(
  {
    url: Type.String({
      pattern: '^(?:grpcs?://)?[^\\s/@?#]+$',
      maxLength: 1024,
      description:
        'Where it is: host:port (encrypted when there is `tls`), grpc://host:port (plain) or grpcs://host:port (encrypted). Port: 50051.',
      examples: ['brain.example:50051', 'grpcs://brain.example'],
    }),
    tls: Type.Optional(
      strictObject(
        {
          ca: file(
            'File with the certificates to trust (PEM), relative to this file; default: those that Node trusts.',
          ),
          cert: file('File with the client certificate (PEM), for mutual TLS.'),
          key: file('File with the key of the client certificate (PEM).'),
          rejectUnauthorized: Type.Boolean({
            default: true,
            description: 'false accepts any certificate: only for a first try in a laboratory.',
          }),
        },
        { description: 'Encrypts the connection.' },
      ),
    ),
    token: Type.Optional(
      token('Token of the brain, role viewer, for tenants without one of their own, for example "${BRAIN_TOKEN}".'),
    ),
    tenants: Type.Array(
      strictObject({
        id: idSchema({ description: 'Tenant of central.' }),
        token: token("Token of the brain for this tenant's questions."),
      }),
      { default: [], maxItems: 1000, description: 'Tenants with a token of their own at the brain.' },
    ),
    timeout: durationSchema({ default: '10s', description: 'How long an answer may take. 100ms to 25s.' }),
  },
  { description: 'A brain that scores the readings kept here. Left out: there is none.' },
)

export interface CentralBrainConfig {
  readonly url: string
  /** Absolute paths; null: as the url says. */
  readonly tls: {
    readonly ca: string | null
    readonly cert: string | null
    readonly key: string | null
    readonly rejectUnauthorized: boolean
  } | null
  /** Of tenants without one of their own; null: the brain asks for none. */
  readonly token: string | null
  readonly tenants: readonly { readonly id: string; readonly token: string }[]
  readonly timeoutMs: number
}

type Written = StaticDecode<typeof CentralBrainSchema>

export function centralBrainRules(brain: Written | undefined): PlainRule[] {
  if (brain === undefined) return []
  const { tenants, timeout, tls = { rejectUnauthorized: true }, url } = brain
  const rules: PlainRule[] = []
  if (timeout < MIN_TIMEOUT_MS || timeout > MAX_TIMEOUT_MS)
    rules.push({ path: ['brain', 'timeout'], message: 'must be from 100ms to 25s' })
  if ((tls.cert === undefined) !== (tls.key === undefined))
    rules.push({ path: ['brain', 'tls'], message: `needs ${tls.cert === undefined ? 'cert' : 'key'} as well` })
  if (brain.tls !== undefined && url.startsWith('grpc://'))
    rules.push({ path: ['brain', 'tls'], message: 'does not go with a url that asks for a plain connection' })
  const twice = tenants.findIndex(({ id }, index) => tenants.findIndex((other) => other.id === id) !== index)
  if (twice !== -1)
    rules.push({
      path: ['brain', 'tenants', twice, 'id'],
      message: `names "${tenants[twice]!.id}" a second time`,
    })
  return rules
}

/** `path` makes a name absolute. */
export function centralBrainConfig(
  { tenants, timeout, tls, token: shared, url }: Written,
  path: (name: string) => string,
): CentralBrainConfig {
  const absolute = (name: string | undefined): string | null => (name === undefined ? null : path(name))
  return {
    url,
    tls: tls
      ? {
          ca: absolute(tls.ca),
          cert: absolute(tls.cert),
          key: absolute(tls.key),
          rejectUnauthorized: tls.rejectUnauthorized,
        }
      : null,
    token: shared ?? null,
    tenants,
    timeoutMs: timeout,
  }
}
