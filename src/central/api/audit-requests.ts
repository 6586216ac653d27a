// Writes every request that changes something into its tenant's audit log, before it is answered. Reads and requests that were not
// understood change nothing and are left out.

import type { FastifyRequest } from 'fastify'
import { toTelemetryError } from '#domain/errors.ts'
import { Counter } from '#kit/metrics.ts'
import { PLATFORM, type AuditRecord, type TenantNumber } from '../ports.ts'
import type { CentralContext, CentralServer } from './context.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
const REFUSALS_PER_MINUTE = 60
const MINUTE_MS = 60_000

/** Installs it on every route registered after it. */
export function installAudit(app: CentralServer, { options }: CentralContext): void {
  const { clock, log, registry, shared, storage } = options
  const lost = new Counter({
    name: 'telemetryx_central_audit_lost_total',
    help: 'Entries of the audit log that could not be written, or were refusals beyond their limit',
    labelNames: ['reason'],
    registers: [registry],
  })
  app.decorateRequest('auditDetails', null)
  app.addHook('onSend', async (request, reply, payload) => {
    const entry = entryOf(request, reply.statusCode)
    if (entry === null) return payload
    const { record, tenant } = entry
    // A flood of refusals must neither fill the disk nor push the rest out of sight.
    if (record.outcome === 'refused') {
      const { count } = await shared.increment(`audit-refused:${tenant}`, MINUTE_MS)
      if (count > REFUSALS_PER_MINUTE) {
        lost.inc({ reason: 'refusals' })
        return payload
      }
    }
    try {
      await storage.tenancy.appendAudit(tenant, { ...record, time: clock.now() })
    } catch (cause) {
      // What is done is done: the log of the process is told instead.
      lost.inc({ reason: 'failed' })
      log.error({ ...record, reason: toTelemetryError(cause).message }, 'An audit entry could not be written')
    }
    return payload
  })
}

function entryOf(
  request: FastifyRequest,
  status: number,
): { tenant: TenantNumber; record: Omit<AuditRecord, 'time'> } | null {
  const { url, method, config } = request.routeOptions
  if (url === undefined || !url.startsWith('/api/') || config.audit === false) return null
  if (config.audit === undefined && SAFE_METHODS.has(request.method)) return null
  const outcome = outcomeOf(status)
  const { auditDetails: details, caller } = request
  const by = details?.who ?? caller?.name ?? null
  // Strangers who are turned away at a door are not a change; those who try a name are.
  if (outcome === null || by === null) return null
  const tenant = config.permission === 'platform' ? PLATFORM : (caller?.tenantNumber ?? PLATFORM)
  return {
    tenant,
    record: {
      by,
      from: request.ip,
      action: config.audit ?? `${String(method)} ${url}`,
      outcome,
      details: {
        target: details?.target ?? firstParameter(request.params),
        via: caller?.via ?? 'none',
        before: details?.before ?? null,
        after: outcome === 'done' ? (details?.after ?? null) : null,
      },
    },
  }
}

/** null: the request was not understood, so that nothing was tried. */
function outcomeOf(status: number): 'done' | 'refused' | 'failed' | null {
  if (status < 400) return 'done'
  if (status === 401 || status === 403 || status === 429) return 'refused'
  return status === 400 || status === 404 || status === 413 || status === 415 ? null : 'failed'
}

function firstParameter(params: unknown): string | null {
  const first: unknown = typeof params === 'object' && params !== null ? Object.values(params)[0] : undefined
  return typeof first === 'string' ? first : null
}
