// Writes every request that changes something into the audit log, before it is answered: a route need not ask for it, only
// tell what it knows. Reads and requests that were not understood change nothing and are left out.

import type { FastifyRequest } from 'fastify'
import type { AuditChange, AuditSink } from '#domain/audit.ts'
import type { ApiServer } from '../context.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Installs it on every route registered after it. */
export function installAudit(app: ApiServer, audit: AuditSink): void {
  app.decorateRequest('auditDetails', null)
  app.addHook('onSend', async (request, reply, payload) => {
    const change = changeOf(request, reply.statusCode)
    if (change !== null) await audit.record(change)
    return payload
  })
}

function changeOf(request: FastifyRequest, status: number): AuditChange | null {
  const { url, method, config } = request.routeOptions
  if (url === undefined || !url.startsWith('/api/v1/') || config.audit === false) return null
  if (config.audit === undefined && SAFE_METHODS.has(request.method)) return null
  const { auditDetails: details, principal } = request
  const outcome = outcomeOf(status, principal !== null)
  const who = details?.who ?? principal?.name ?? null
  // Strangers who are turned away at a door are not a change; those who try a name are.
  if (outcome === null || who === null) return null
  return {
    action: config.audit ?? `${String(method)} ${url}`,
    target: details?.target ?? firstParameter(request.params),
    who,
    via: principal?.via ?? 'none',
    from: request.ip,
    outcome,
    before: details?.before ?? null,
    after: outcome === 'done' ? (details?.after ?? null) : null,
  }
}

/** null: the request was not understood, so that nothing was tried. What fails for a stranger was refused: the log limits that. */
function outcomeOf(status: number, isKnown: boolean): AuditChange['outcome'] | null {
  if (status < 400) return 'done'
  if (status === 401 || status === 403 || status === 429) return 'refused'
  if (status === 400 || status === 404 || status === 413 || status === 415) return null
  return isKnown ? 'failed' : 'refused'
}

function firstParameter(params: unknown): string | null {
  const first: unknown = typeof params === 'object' && params !== null ? Object.values(params)[0] : undefined
  return typeof first === 'string' ? first : null
}
