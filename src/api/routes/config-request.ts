// What the routes of the configuration read from a request.

import type { FastifyRequest } from 'fastify'
import type { ConfigurationDesk, ConfigurationOffer } from '#domain/configuration.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { ApiContext } from '../context.ts'
import { RequestError } from '../problem.ts'

/** Throws NOT_FOUND for a gateway without a file. */
export function deskOf({ options }: ApiContext): ConfigurationDesk {
  if (options.configuration) return options.configuration
  throw new TelemetryError('NOT_FOUND', 'This gateway was started without a configuration file')
}

/** The command line comes with the credentials of the machine itself; see auth/local-access.ts. */
export function originOf(request: FastifyRequest): ConfigurationOffer['origin'] {
  return request.principal?.via === 'local' && request.principal.name.startsWith('cli:') ? 'cli' : 'api'
}

/** `If-Match`, which a change must have where `isNeeded`: else two people would overwrite each other. */
export function ifMatchOf({ headers }: FastifyRequest, isNeeded: boolean): string | null {
  const header = headers['if-match']
  if (typeof header === 'string' && header !== '') return header
  if (!isNeeded) return null
  const hint = 'send the ETag of GET /config as If-Match, or * to replace it whatever it is'
  throw new RequestError('PRECONDITION_REQUIRED', `It must be said which configuration is to be replaced: ${hint}`)
}
