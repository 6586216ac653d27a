// Who sends through a door that is not HTTP: whoever composes central knows how keys are told.

import type { TenantNumber } from '../ports.ts'

export interface Sender {
  readonly tenant: TenantNumber
  /** The only gateway or program that it may send for; null: any of its tenant. */
  readonly gateway: string | null
}

/** Throws UNAUTHENTICATED, PERMISSION_DENIED, and retryable errors while it cannot be told. `bearer` null: none was given. */
export type Authenticate = (bearer: string | null) => Promise<Sender>
