// A key may be bound to one gateway: it opens what that gateway asks, and nothing of another.

import type { FastifyRequest } from 'fastify'
import { TelemetryError } from '#domain/errors.ts'
import { callerOf } from '../api/guard.ts'

/** Throws PERMISSION_DENIED when the caller's key is for another gateway. */
export function requireGateway(request: FastifyRequest, gateway: string): void {
  const caller = callerOf(request)
  if (caller.via !== 'key' || caller.gateway === null || caller.gateway === gateway) return
  throw new TelemetryError('PERMISSION_DENIED', `This key is for ${caller.gateway} only`)
}
