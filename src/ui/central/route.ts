// Paths ↔ pages of central. Pure.

export type CentralRoute =
  | {
      readonly page:
        | 'fleet'
        | 'machines'
        | 'alarms'
        | 'alerts'
        | 'journal'
        | 'people'
        | 'audit'
        | 'keys'
        | 'account'
        | 'setup'
        | 'notFound'
    }
  | { readonly page: 'gateway' | 'machine' | 'sensor'; readonly id: string }

const PLAIN = new Map<string, CentralRoute>([
  ['/', { page: 'fleet' }],
  ['/login', { page: 'fleet' }],
  ['/machines', { page: 'machines' }],
  ['/alarms', { page: 'alarms' }],
  ['/alerts', { page: 'alerts' }],
  ['/journal', { page: 'journal' }],
  ['/people', { page: 'people' }],
  ['/audit', { page: 'audit' }],
  ['/keys', { page: 'keys' }],
  ['/account', { page: 'account' }],
  ['/setup', { page: 'setup' }],
])

const OF_ONE = [
  ['gateway', /^\/gateways\/([a-z0-9_-]+)$/],
  ['machine', /^\/machines\/([a-z0-9_-]+)$/],
  // An id of a device and of a sensor, before them that of a gateway where two have the same one.
  ['sensor', /^\/sensors\/([a-z0-9_.-]+)$/],
] as const

export function parseCentralRoute(path: string): CentralRoute {
  const plain = PLAIN.get(path)
  if (plain !== undefined) return plain
  for (const [page, pattern] of OF_ONE) {
    const id = pattern.exec(path)?.[1]
    if (id !== undefined) return { page, id }
  }
  return { page: 'notFound' }
}

export const gatewayPath = (id: string): string => `/gateways/${encodeURIComponent(id)}`
