// What a route tells the audit log.

import type { AuditValue } from '#domain/audit.ts'

/** What a route knows of its change. Never secrets: what stands here can be read by every administrator, for years. */
export interface AuditDetails {
  /** Default: the caller. */
  readonly who?: string
  /** Default: the first parameter of the path. */
  readonly target?: string
  readonly before?: AuditValue
  readonly after?: AuditValue
}
