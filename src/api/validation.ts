// Validation of requests by the routes' TypeBox schemas, with messages in words. Queries and path parameters arrive as
// text and are converted; bodies are taken as they are.

import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import { Type, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { TLocalizedValidationError } from 'typebox/error'
import { Value } from 'typebox/value'
import { RequestError, type FieldError } from './problem.ts'

const PART_NAMES: Readonly<Record<string, string>> = {
  querystring: 'query',
  params: 'path',
  headers: 'header',
  body: 'body',
}

/** At most this many messages go out, however wrong the request is. */
const MAX_MESSAGES = 20

/** Fastify's validator compiler. A violation is a RequestError with every wrong field. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema)
  const part = PART_NAMES[httpPart ?? 'body'] ?? 'body'
  return (input: unknown) => {
    // A body is not walked through beyond what the check needs: it may be nested deeper than the stack.
    const value = part === 'body' ? input : Value.Default(schema, Value.Convert(schema, input))
    if (validator.Check(value)) return { value }
    const errors = inWords(part, validator.Errors(value))
    const detail = errors.map((error) => `${error.path} ${error.message}`).join('; ')
    return { error: new RequestError('INVALID_REQUEST', detail, { errors }) }
  }
}

const NO_QUERY = Type.Object({}, { additionalProperties: false })

/** Routes of the API that know no query parameters refuse all of them, as others refuse what they do not know. */
export function refuseUnknownQueries(app: Pick<FastifyInstance, 'addHook'>): void {
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith('/api/')) route.schema = { querystring: NO_QUERY, ...route.schema }
  })
}

function inWords(part: string, violations: readonly TLocalizedValidationError[]): FieldError[] {
  const messages = new Map<string, FieldError>()
  for (const violation of violations) {
    for (const error of describe(part, violation)) {
      if (messages.size >= MAX_MESSAGES) break
      messages.set(`${error.path} ${error.message}`, error)
    }
  }
  return messages.size > 0 ? [...messages.values()] : [{ path: part, message: 'is not as the API describes it' }]
}

function describe(part: string, violation: TLocalizedValidationError): FieldError[] {
  const path = [part, ...violation.instancePath.split('/').slice(1)].join('.').slice(0, 200)
  if (violation.keyword === 'required') {
    return violation.params.requiredProperties.map((name) => ({ path: `${path}.${name}`, message: 'is missing' }))
  }
  if (violation.keyword === 'additionalProperties') {
    const names = violation.params.additionalProperties
    return names.map((name) => ({ path: `${path}.${String(name).slice(0, 100)}`, message: 'is unknown here' }))
  }
  // The detail of an unknown property, which is told by its own message.
  if (violation.keyword === 'boolean') return []
  return [{ path, message: wordsOf(violation) }]
}

function wordsOf(violation: TLocalizedValidationError): string {
  if (violation.keyword === 'minimum') return `must be at least ${String(violation.params.limit)}`
  if (violation.keyword === 'maximum') return `must be at most ${String(violation.params.limit)}`
  if (violation.keyword === 'minLength') return `must have at least ${String(violation.params.limit)} characters`
  if (violation.keyword === 'maxLength') return `must have at most ${String(violation.params.limit)} characters`
  if (violation.keyword === 'enum') return `must be one of ${violation.params.allowedValues.join(', ')}`
  return violation.message
}
