// Roles and who is asking.

export const ROLES = ['viewer', 'operator', 'engineer', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Who may call a route: anyone, or callers with at least this role. Every route of /api/v1 declares it. */
export type Access = 'public' | Role

/** Who makes a request. */
export interface Principal {
  /** User name, or `token:NAME`. */
  readonly name: string
  readonly role: Role
  /** local: authentication is off; only a loopback address is served then. */
  readonly via: 'local' | 'session' | 'token'
  /** Devices that it may hand readings in for, and nothing else (`*`: every device); absent: all that the role may. */
  readonly ingest?: readonly string[]
}

/** True when `role` includes everything that `needed` may do. */
export function includesRole(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}
