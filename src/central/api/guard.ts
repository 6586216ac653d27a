// The guard before every route: origin first, then who is asking, then whether role or scope suffices. A route that does not declare
// what it asks for is a fault, found when the server is built.

import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { isForeign } from '#api/origin.ts'
import { RequestError } from '#api/problem.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Credentials } from '../people/authenticator.ts'
import { authorise, type Caller, type Permission } from '../people/caller.ts'
import type { CentralContext, CentralServer } from './context.ts'

export const SESSION_COOKIE = 'telemetryx_central_session'
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Keys are short; tokens of an issuer may carry many claims. */
const BEARER = /^Bearer +([!-~]{1,8192})$/i

/** Installs it on every route registered after it. */
export function installGuard(app: CentralServer, { authenticator }: CentralContext): void {
  app.decorateRequest('caller', null)
  app.addHook('onRoute', requireDeclared)
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    refuseForeign(request)
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store')
    const permission = request.routeOptions.config.permission ?? 'public'
    const credentials = credentialsOf(request)
    if (permission === 'public') {
      // Who cannot be told apart from a stranger here is one: a probe must not fail because the issuer is away.
      request.caller = credentials.session === null ? null : await authenticator.identify(credentials).catch(() => null)
      return
    }
    request.caller = await authenticator.identify(credentials)
    authorise(request.caller, permission)
  })
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Caller {
  return request.caller!
}

/** What the request shows, valid or not. */
export function credentialsOf(request: FastifyRequest): Credentials {
  const bearer = BEARER.exec(request.headers.authorization ?? '')?.[1] ?? null
  return { bearer, session: request.cookies[SESSION_COOKIE] ?? null }
}

/** Whether the caller of a connection that stays open may still do what it could when it was made. */
export async function stillAllowed(
  request: FastifyRequest,
  { authenticator }: CentralContext,
  permission: Exclude<Permission, 'public'>,
): Promise<boolean> {
  try {
    const now = await authenticator.identify(credentialsOf(request))
    return authorise(now, permission).tenantNumber === request.caller?.tenantNumber
  } catch (error) {
    // Neither an issuer nor a database that is away for a moment ends anything.
    return error instanceof TelemetryError && error.code !== 'UNAUTHENTICATED' && error.code !== 'PERMISSION_DENIED'
  }
}

function requireDeclared(route: RouteOptions): void {
  if (!route.url.startsWith('/api/')) return
  const name = `${String(route.method)} ${route.url}`
  if (route.config?.permission === undefined)
    throw new TelemetryError('INTERNAL', `The route ${name} does not say who may call it`)
  const methods = [route.method].flat()
  if (route.config.audit === undefined && !methods.every((method) => SAFE_METHODS.has(method)))
    throw new TelemetryError('INTERNAL', `The route ${name} does not say what its change is called in the audit log`)
}

/** A page of another origin must not change anything or open the live feed with the session of its reader. */
function refuseForeign(request: FastifyRequest): void {
  if (SAFE_METHODS.has(request.method) && !request.ws) return
  // A bearer token is never sent by a browser of itself.
  if (request.headers.authorization === undefined && isForeign(request.headers))
    throw new RequestError('FORBIDDEN_ORIGIN', 'A page of another origin may not do this')
}
