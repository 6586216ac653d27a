// Names of the stream's subjects, and which partition is a gateway's. Pure.
//
//   telemetryx.ingest.{tenant}.{partition}     what gateways have handed in, in their order       stream TELEMETRYX_INGEST
//   telemetryx.dead.{tenant}.{partition}       what could not be taken in                         stream TELEMETRYX_DEAD
//   telemetryx.live.{tenant}                   what has just become durable, for live clients     not kept

import type { TenantNumber } from '../ports.ts'

export const INGEST_STREAM = 'TELEMETRYX_INGEST'
export const DEAD_STREAM = 'TELEMETRYX_DEAD'
export const INGEST_SUBJECTS = 'telemetryx.ingest.*.*'
export const DEAD_SUBJECTS = 'telemetryx.dead.*.*'

// FNV-1a, 32 bits (G. Fowler, L. C. Noll, K.-P. Vo; draft-eastlake-fnv): the same in every version and every process, for ever.
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** Partition of a gateway: all that it sends goes through one, which keeps its order. */
export function partitionOf(tenant: TenantNumber, gateway: string, partitions: number): number {
  let hash = FNV_OFFSET
  for (const byte of Buffer.from(`${tenant}/${gateway}`)) hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0
  return ((hash ^ (hash >>> 16)) >>> 0) % partitions
}

export function ingestSubject(tenant: TenantNumber, partition: number): string {
  return `telemetryx.ingest.${tenant}.${partition}`
}

/** Of one partition, of all tenants. */
export function ingestFilter(partition: number): string {
  return `telemetryx.ingest.*.${partition}`
}

export function consumerOf(partition: number): string {
  return `partition-${partition}`
}

export function deadSubject(tenant: TenantNumber, partition: number): string {
  return `telemetryx.dead.${tenant}.${partition}`
}

export function liveSubject(tenant: TenantNumber): string {
  return `telemetryx.live.${tenant}`
}

/** Tenant and partition of a message of the ingest stream; null for one that is not of this form. */
export function placeOf(subject: string): { readonly tenant: TenantNumber; readonly partition: number } | null {
  const [, tenant, partition] = /^telemetryx\.(?:ingest|dead)\.(\d{1,10})\.(\d{1,3})$/.exec(subject) ?? []
  return tenant === undefined ? null : { tenant: Number(tenant), partition: Number(partition) }
}
