// Protection of a browser's user against foreign pages: DNS rebinding (the Host header must be ours while authentication is
// off) and cross-site requests (a page of another origin must not change anything or open the live feed). Pure.

import { isIP } from 'node:net'

/** Headers that say where a request comes from. */
export interface OriginHeaders {
  readonly host?: string | undefined
  readonly origin?: string | undefined
  readonly 'sec-fetch-site'?: string | string[] | undefined
}

/** Name or address of a Host header, lower case, without port and brackets; null when malformed. */
export function hostName(host: string | undefined): string | null {
  const match = /^(\[[0-9a-f:.%]+\]|[^:[\]/@\s]+)(?::\d{1,5})?$/i.exec(host ?? '')
  return match
    ? match[1]!
        .toLowerCase()
        .replace(/^\[|\]$/g, '')
        .replace(/\.$/, '')
    : null
}

/**
 * True when a Host header names this machine: an address (a rebinding attack needs a name), localhost, or one of `ownNames`.
 */
export function isOwnHost(host: string | undefined, ownNames: readonly string[]): boolean {
  const name = hostName(host)
  if (name === null) return false
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || ownNames.includes(name)
}

/** True when a browser sent the request on behalf of a page of another origin. Programs send no such headers. */
export function isForeign(headers: OriginHeaders): boolean {
  if (headers.origin !== undefined) return !isSameOrigin(headers.origin, headers.host)
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  const match = /^https?:\/\/([^/]+)$/i.exec(origin) // `null` and all else is foreign
  return match !== null && host !== undefined && match[1]!.toLowerCase() === host.toLowerCase()
}

/** True for an address or name that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}
