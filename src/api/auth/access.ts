// The guard before every route: host and origin first, then who is asking, then whether the role suffices. A route of the
// API that does not declare its access is a fault, found when the server is built.

import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { TelemetryError } from '#domain/errors.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { isForeign, isOwnHost } from '../origin.ts'
import { RequestError } from '../problem.ts'
import { LOCAL_USER_HEADER } from './local-access.ts'
import { includesRole, type Access, type Principal } from './roles.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
const LOCAL: Principal = { name: 'local', role: 'admin', via: 'local' }

/** Name of the session cookie; by gateway, because browsers share cookies between the ports of one host. */
export function cookieName(gateway: string): string {
  return `telemetryx_session_${gateway}`
}

/** Installs the guard on every route registered after it. `ownNames`: names of this machine, lower case. */
export function installAccess(app: ApiServer, context: ApiContext, ownNames: readonly string[]): void {
  app.decorateRequest('principal', null)
  app.addHook('onRoute', requireDeclaredAccess)
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    refuseForeign(request, context.options.http.auth, ownNames)
    const access = request.routeOptions.config.access ?? 'public'
    request.principal = identify(request, context)
    if (access !== 'public') {
      authorise(request.principal, access)
      if (request.principal?.ingest) authoriseIngest(request, request.principal.ingest)
    }
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store')
  })
}

function requireDeclaredAccess(route: RouteOptions): void {
  if (!route.url.startsWith('/api/')) return
  const name = `${String(route.method)} ${route.url}`
  if (route.config?.access === undefined)
    throw new TelemetryError('INTERNAL', `The route ${name} does not say who may call it`)
  const methods = [route.method].flat()
  if (route.config.audit === undefined && !methods.every((method) => SAFE_METHODS.has(method)))
    throw new TelemetryError('INTERNAL', `The route ${name} does not say what its change is called in the audit log`)
}

function refuseForeign(request: FastifyRequest, auth: 'required' | 'none', ownNames: readonly string[]): void {
  const { headers } = request
  const isProbe = request.routeOptions.url === '/healthz' || request.routeOptions.url === '/readyz'
  if (auth === 'none' && !isProbe && !isOwnHost(headers.host, ownNames)) {
    throw new RequestError(
      'FORBIDDEN_ORIGIN',
      'Without authentication the gateway answers under its own address or name only',
    )
  }
  const needsOwnOrigin = !SAFE_METHODS.has(request.method) || request.ws
  // A bearer token is never sent by a browser of itself.
  if (needsOwnOrigin && bearerOf(request) === null && isForeign(headers)) {
    throw new RequestError('FORBIDDEN_ORIGIN', 'A page of another origin may not do this')
  }
}

function bearerOf(request: FastifyRequest): string | null {
  const match = /^Bearer +([!-~]{1,256})$/i.exec(request.headers.authorization ?? '')
  return match ? match[1]! : null
}

function identify(request: FastifyRequest, context: ApiContext): Principal | null {
  const token = bearerOf(request)
  const cli = token === null ? null : context.local.principal(token, request.headers[LOCAL_USER_HEADER]?.toString())
  if (cli !== null) return cli
  if (context.options.http.auth === 'none') return LOCAL
  if (token !== null) return context.accounts.tokenPrincipal(token, true)
  const id = sessionOf(request, context)
  return id === null ? null : sessionPrincipal(context, id, true)
}

/** The session id that the request carries, valid or not. */
export function sessionOf(request: FastifyRequest, context: ApiContext): string | null {
  return request.cookies[cookieName(context.options.info.id)] ?? null
}

/** Who a session id belongs to now. `use` counts as a sign of life. */
export function sessionPrincipal(context: ApiContext, id: string, use: boolean): Principal | null {
  const session = context.sessions.find(id, use)
  const user = session && context.accounts.user(session.user)
  return user ? { name: user.name, role: user.role, via: 'session' } : null
}

/**
 * Whether the caller of a request may still do what it could when it was made: for connections that stay open.
 */
export function stillAllowed(request: FastifyRequest, context: ApiContext, access: Exclude<Access, 'public'>): boolean {
  if (context.options.http.auth === 'none') return true
  // The token of a command on this machine holds as long as the gateway runs.
  if (request.principal?.via === 'local') return true
  const token = bearerOf(request)
  const id = sessionOf(request, context)
  const { accounts } = context
  const principal =
    token !== null ? accounts.tokenPrincipal(token, false) : id === null ? null : sessionPrincipal(context, id, false)
  return principal !== null && includesRole(principal.role, access)
}

function authorise(principal: Principal | null, access: Exclude<Access, 'public'>): void {
  if (principal === null)
    throw new TelemetryError('UNAUTHENTICATED', 'Log in, or send a valid token as Authorization: Bearer')
  if (!includesRole(principal.role, access)) {
    throw new TelemetryError(
      'PERMISSION_DENIED',
      `This needs the role ${access}; ${principal.name} is ${principal.role}`,
    )
  }
}

/** A token for handing in readings opens no other door. */
function authoriseIngest({ routeOptions, params }: FastifyRequest, devices: readonly string[]): void {
  const device = (params as { readonly device?: string }).device
  if (routeOptions.url === '/api/v1/ingest/:device') {
    if (devices.includes('*') || (device !== undefined && devices.includes(device))) return
    throw new TelemetryError('PERMISSION_DENIED', `This token is for ${devices.join(', ')} only`)
  }
  throw new TelemetryError('PERMISSION_DENIED', 'This token is for handing in readings only')
}

/** The caller's name, for journals. */
export function callerOf(request: FastifyRequest): string {
  return request.principal?.name ?? 'unknown'
}
