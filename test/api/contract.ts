// Holds an answer against the OpenAPI document: its status must be described, its media type and body must fit the schema.

import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** An OpenAPI document, as far as the tests read it. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

export interface Operation {
  readonly summary?: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: TSchema
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: TSchema }>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: TSchema }>> }>
  >
}

interface Exchange {
  readonly method: string
  /** With query. */
  readonly path: string
  readonly answer: {
    readonly status: number
    readonly headers: Readonly<Record<string, string | string[] | undefined>>
    readonly text: string
    readonly json: unknown
  }
}

/** What is wrong with an answer; empty when it is as described. Paths that the document does not have must be problems. */
export function contractProblems(document: OpenApiDocument, { method, path, answer }: Exchange): string[] {
  const operation = operationOf(document, method, path.split('?', 1)[0]!)
  const described = answer.status < 400 ? operation?.responses[answer.status] : operation?.responses['default']
  const mediaType = String(answer.headers['content-type'] ?? '').split(';', 1)[0]!
  if (answer.status >= 400 && mediaType !== 'application/problem+json') return [`a failure is answered as ${mediaType}`]
  if (operation === undefined) return answer.status >= 400 ? [] : [`${method} ${path} is not described`]
  if (described === undefined) return [`status ${answer.status} is not described`]
  const schema = described.content?.[mediaType]?.schema
  if (schema === undefined) return answer.text === '' ? [] : [`${mediaType} is not described for ${answer.status}`]
  return Compile(schema)
    .Errors(answer.json ?? answer.text)
    .map((error) => `${error.instancePath} ${error.message}`)
}

function operationOf(document: OpenApiDocument, method: string, path: string): Operation | undefined {
  const entry = Object.entries(document.paths).find(([template]) =>
    new RegExp(`^${template.replace(/\{[a-z]+\}/g, '[^/]+')}$`).test(path),
  )
  return entry?.[1][method.toLowerCase()]
}
