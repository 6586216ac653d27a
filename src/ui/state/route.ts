// Paths ↔ pages. Pure.

export type Route =
  | {
      readonly page:
        | 'overview'
        | 'alarms'
        | 'measures'
        | 'journal'
        | 'compare'
        | 'devices'
        | 'uplinks'
        | 'configuration'
        | 'revisions'
        | 'import'
        | 'addDevice'
        | 'users'
        | 'audit'
        | 'account'
        | 'backup'
        | 'about'
        | 'parts'
        | 'setup'
        | 'login'
        | 'notFound'
    }
  | { readonly page: 'machine' | 'sensor' | 'device' | 'registers' | 'uplink'; readonly id: string }

const PLAIN = new Map<string, Route>([
  ['/', { page: 'overview' }],
  ['/alarms', { page: 'alarms' }],
  ['/alarms/measures', { page: 'measures' }],
  ['/journal', { page: 'journal' }],
  ['/compare', { page: 'compare' }],
  ['/devices', { page: 'devices' }],
  ['/uplinks', { page: 'uplinks' }],
  ['/configuration', { page: 'configuration' }],
  ['/configuration/revisions', { page: 'revisions' }],
  ['/configuration/import', { page: 'import' }],
  ['/configuration/add', { page: 'addDevice' }],
  ['/users', { page: 'users' }],
  ['/audit', { page: 'audit' }],
  ['/account', { page: 'account' }],
  ['/backup', { page: 'backup' }],
  ['/about', { page: 'about' }],
  ['/parts', { page: 'parts' }],
  ['/setup', { page: 'setup' }],
  ['/login', { page: 'login' }],
])

const OF_ONE = [
  ['machine', /^\/machines\/([^/]+)$/],
  ['sensor', /^\/sensors\/([^/]+)$/],
  ['device', /^\/devices\/([^/]+)$/],
  ['registers', /^\/devices\/([^/]+)\/registers$/],
  ['uplink', /^\/uplinks\/([^/]+)$/],
] as const

export function parseRoute(path: string): Route {
  const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path
  const plain = PLAIN.get(trimmed)
  if (plain !== undefined) return plain
  for (const [page, pattern] of OF_ONE) {
    const match = pattern.exec(trimmed)
    const id = match === null ? null : decoded(match[1]!)
    if (id !== null) return { page, id }
  }
  return { page: 'notFound' }
}

export const machinePath = (id: string): string => `/machines/${encodeURIComponent(id)}`
export const sensorPath = (id: string): string => `/sensors/${encodeURIComponent(id)}`
export const devicePath = (id: string): string => `/devices/${encodeURIComponent(id)}`
export const registersPath = (id: string): string => `${devicePath(id)}/registers`
export const uplinkPath = (id: string): string => `/uplinks/${encodeURIComponent(id)}`
export const comparePath = (ids: readonly string[]): string => `/compare?sensors=${ids.map(encodeURIComponent).join()}`

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null // a broken percent sign
  }
}
