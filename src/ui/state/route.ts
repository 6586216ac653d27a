// Paths ↔ pages. Pure.

export type Route =
  | { readonly page: 'overview' | 'alarms' | 'devices' | 'uplinks' | 'parts' | 'setup' | 'login' | 'notFound' }
  | { readonly page: 'machine' | 'sensor'; readonly id: string }

const PLAIN = new Map<string, Route>([
  ['/', { page: 'overview' }],
  ['/alarms', { page: 'alarms' }],
  ['/devices', { page: 'devices' }],
  ['/uplinks', { page: 'uplinks' }],
  ['/parts', { page: 'parts' }],
  ['/setup', { page: 'setup' }],
  ['/login', { page: 'login' }],
])

export function parseRoute(path: string): Route {
  const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path
  const plain = PLAIN.get(trimmed)
  if (plain !== undefined) return plain
  const match = /^\/(machines|sensors)\/([^/]+)$/.exec(trimmed)
  const id = match === null ? null : decoded(match[2]!)
  if (id === null) return { page: 'notFound' }
  return { page: match![1] === 'machines' ? 'machine' : 'sensor', id }
}

export const machinePath = (id: string): string => `/machines/${encodeURIComponent(id)}`
export const sensorPath = (id: string): string => `/sensors/${encodeURIComponent(id)}`

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null // a broken percent sign
  }
}
