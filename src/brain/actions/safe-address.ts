// Which addresses a webhook may reach: none of this machine, of private or link-local networks, nor of special use, unless that
// is allowed. Checked on what a name resolves to, at the moment of connecting, so that a name cannot change in between.

import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { TelemetryError } from '#domain/errors.ts'

/** IANA special-purpose address registries (RFC 6890), multicast, and what carries an IPv4 address within (RFC 6052, 3056, 4380). */
const SPECIAL: readonly (readonly [net: string, prefix: number, family: 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  ['::', 96, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['100::', 64, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
]

export class AddressGuard {
  readonly #special = new BlockList()
  readonly #allowPrivate: boolean

  constructor(allowPrivate: boolean) {
    this.#allowPrivate = allowPrivate
    for (const [net, prefix, family] of SPECIAL) this.#special.addSubnet(net, prefix, family)
  }

  /** True for an IP address that may be reached. */
  allows(address: string): boolean {
    if (this.#allowPrivate) return true
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
    if (mapped !== undefined) return this.allows(mapped)
    const family = isIP(address)
    return family !== 0 && !this.#special.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }

  /** Throws REJECTED for a host that is itself a forbidden address: connecting to one asks no resolver. */
  check(host: string): void {
    const address = host.replace(/^\[|\]$/g, '')
    if (isIP(address) !== 0 && !this.allows(address)) throw refused(address)
  }

  /** `dns.lookup` that only gives addresses that may be reached. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const allowed = addresses.filter(({ address }) => this.allows(address))
      const [first] = allowed
      if (first === undefined) return callback(refused(hostname), [])
      if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

function refused(host: string): TelemetryError {
  return new TelemetryError(
    'REJECTED',
    `${host} is an address of this machine or of a private network (webhooks.allowPrivate)`,
  )
}
