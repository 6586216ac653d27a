// Parts that many routes' requests have: ids, names, labels, pages, and the revision that a change is meant for.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { pageParameters } from '#api/paging.ts'
import { invalid } from '#api/problem.ts'
import { ID_PATTERN } from '#domain/ids.ts'
import type { Labels, PageQuery, TenantNumber } from '../ports.ts'
import { callerOf } from './guard.ts'

const MAX_METADATA_BYTES = 16 * 1024
const MAX_METADATA_DEPTH = 32
const MAX_REVISION = Number.MAX_SAFE_INTEGER

export const IdSchema = Type.String({
  pattern: ID_PATTERN,
  maxLength: 64,
  description: 'Lower-case letters, digits, - and _.',
  examples: ['press-1'],
})
/** Of people and things: no control characters. */
export const NameSchema = Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f]{1,100}$', examples: ['Press 1'] })
export const IdParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) })

export const labelProperties = {
  metadata: Type.Optional(
    Type.Record(Type.String({ pattern: '^[^\\u0000]{1,200}$' }), Type.Unknown(), {
      description: 'Any JSON object up to 16 KiB; replaces the former one.',
      examples: [{ building: 'B2' }],
    }),
  ),
  tags: Type.Optional(
    Type.Array(Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f]{1,64}$' }), {
      maxItems: 50,
      uniqueItems: true,
      description: 'Replaces the former ones.',
      examples: [['hydraulics']],
    }),
  ),
}

/** The given labels, checked. Throws INVALID_REQUEST. */
export function labelsIn({ metadata, tags }: Partial<Labels>): Partial<Labels> {
  // Depth first: what is nested deeper than the stack cannot be put into words.
  if (isDeeperThan(metadata, MAX_METADATA_DEPTH))
    throw invalid('body.metadata', `must not be nested deeper than ${MAX_METADATA_DEPTH}`)
  if (metadata !== undefined && Buffer.byteLength(JSON.stringify(metadata)) > MAX_METADATA_BYTES)
    throw invalid('body.metadata', 'must be at most 16 KiB as JSON')
  return { ...(metadata && { metadata }), ...(tags && { tags: [...tags] }) }
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((each) => isDeeperThan(each, depth - 1))
}

export const page = pageParameters({ max: 1000, default: 100 })

export function pageOfQuery(query: { limit?: number; cursor?: string }, fallback = 100): PageQuery {
  return { limit: query.limit ?? fallback, cursor: query.cursor ?? null }
}

export function tenantOf(request: FastifyRequest): TenantNumber {
  return callerOf(request).tenantNumber
}

/** The revision that If-Match names; null: whatever it is. Throws INVALID_REQUEST. */
export function ifMatch(request: FastifyRequest): number | null {
  const given = request.headers['if-match']
  if (given === undefined || given === '*') return null
  const match = /^"(\d{1,16})"$/.exec(given)
  const revision = match ? Number(match[1]) : Number.NaN
  if (!(revision <= MAX_REVISION)) throw invalid('header.if-match', 'must be an ETag that this API gave')
  return revision
}

export function withETag<T>(reply: FastifyReply, revision: number, body: T): T {
  reply.header('etag', `"${revision}"`)
  return body
}
