// What a batch says of its gateway: that it is there, how its clock stands to ours, how far behind it is.

import type { Queryable } from '#backing/database.ts'
import type { AdoptedGateway } from '../model/adoption.ts'
import type { TenantNumber } from '../ports.ts'
import type { PendingBatch } from './pending-batch.ts'

interface Touch {
  readonly gateway: number
  readonly epoch: number
  readonly arrivedAt: number
  /** Arrival minus receive time at the gateway, of the newest record; null: the batch has none. */
  readonly lagMs: number | null
  readonly isReplaying: boolean
}

export async function touchGateways(
  queryable: Queryable,
  tenant: TenantNumber,
  placed: readonly { readonly pending: PendingBatch; readonly gateway: AdoptedGateway }[],
): Promise<void> {
  const touches = new Map(placed.map(({ gateway, pending }) => [gateway.number, touchOf(gateway.number, pending)]))
  const all = [...touches.values()].sort((a, b) => a.gateway - b.gateway)
  if (all.length === 0) return
  await queryable.query(
    `UPDATE central.gateway AS g SET seen_at = t.arrived_at, record_at = t.arrived_at, epoch = greatest(g.epoch, t.epoch), is_registered = true,
       lag_ms = coalesce(t.lag_ms, g.lag_ms), is_replaying = t.is_replaying,
       clock_offset_ms = CASE WHEN t.is_replaying THEN g.clock_offset_ms ELSE coalesce(-t.lag_ms, g.clock_offset_ms) END
     FROM (SELECT gateway, epoch, to_timestamp(arrived / 1000) AS arrived_at, lag_ms, is_replaying
       FROM unnest($2::int4[], $3::int4[], $4::float8[], $5::float8[], $6::bool[]) AS u(gateway, epoch, arrived, lag_ms, is_replaying)) AS t
     WHERE g.tenant = $1 AND g.number = t.gateway`,
    [
      tenant,
      all.map(({ gateway }) => gateway),
      all.map(({ epoch }) => epoch),
      all.map(({ arrivedAt }) => arrivedAt),
      all.map(({ lagMs }) => lagMs),
      all.map(({ isReplaying }) => isReplaying),
    ],
  )
}

function touchOf(gateway: number, { arrivedAt, batch }: PendingBatch): Touch {
  const newest = batch.length === 0 ? null : batch.receivedAt[batch.length - 1]!
  const lagMs = newest !== null && Number.isFinite(newest) ? arrivedAt - newest : null
  const isReplaying = batch.historical || batch.lane === 'backlog'
  return { gateway, epoch: Math.min(batch.epoch, 0x7fff_ffff), arrivedAt, lagMs, isReplaying }
}
