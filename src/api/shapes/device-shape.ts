// Devices and uplinks on the wire.

import { Type, type Static } from 'typebox'
import type { WireFrame } from '#domain/driver.ts'
import type { DeviceLatency, DeviceStatus } from '#domain/views.ts'
import { isoTime, isoTimeOrNull, NullableTimeSchema, TimeSchema } from '../time.ts'

const NullableString = Type.Union([Type.String(), Type.Null()])
const Counts = Type.Record(Type.String(), Type.Number())
const Latency = Type.Union([Type.Object({ p50: Type.Number(), p99: Type.Number(), max: Type.Number() }), Type.Null()])

export const DeviceSchema = Type.Object({
  id: Type.String(),
  driver: Type.String(),
  machine: Type.String(),
  bus: Type.String({ description: 'The wire that it shares with others.' }),
  state: Type.Enum(['connecting', 'up', 'down', 'paused', 'stopped']),
  since: TimeSchema,
  reason: NullableString,
  sensors: Type.Integer(),
  badSensors: Type.Integer(),
  polls: Type.Integer(),
  skippedPolls: Type.Integer(),
  requests: Type.Integer(),
  reconnects: Type.Integer(),
  errors: Counts,
  pollMs: Latency,
  lagMs: Latency,
  busUtilisation: Type.Union([Type.Object({ bus: Type.Number(), device: Type.Number() }), Type.Null()], {
    description:
      'Shares of the last minute, 0 to 1: its wire was taken by anyone, and by this device. null: never asked.',
  }),
  lastReadingAt: NullableTimeSchema,
  plan: Type.Union([Type.Object({ pointRequests: Type.Integer(), requests: Type.Integer() }), Type.Null()], {
    description: 'Requests of one poll of everything: one for each sensor, and as the driver merges them.',
  }),
})

const Steps = Type.Array(Type.Object({ upToMs: Type.Number(), count: Type.Number() }))

/** One device, asked for alone. */
export const DeviceDetailSchema = Type.Object({
  ...DeviceSchema.properties,
  latency: Type.Union([Type.Object({ poll: Steps, lag: Steps }), Type.Null()], {
    description:
      'Counts of how long its polls took and how late they began, over the run: each step of durations up to `upToMs`, the ones below not counted again.',
  }),
})

export function deviceDetailShape(
  status: DeviceStatus,
  latency: DeviceLatency | null,
): Static<typeof DeviceDetailSchema> {
  return { ...deviceShape(status), latency: latency && { poll: [...latency.poll], lag: [...latency.lag] } }
}

export function deviceShape(status: DeviceStatus): Static<typeof DeviceSchema> {
  return {
    id: status.id,
    driver: status.driver,
    machine: status.machine,
    bus: status.bus,
    state: status.state,
    since: isoTime(status.since),
    reason: status.reason,
    sensors: status.sensors,
    badSensors: status.badSensors,
    polls: status.polls,
    skippedPolls: status.skippedPolls,
    requests: status.requests,
    reconnects: status.reconnects,
    errors: { ...status.errors },
    pollMs: status.pollMs && { p50: status.pollMs.p50, p99: status.pollMs.p99, max: status.pollMs.max },
    lagMs: status.lagMs && { p50: status.lagMs.p50, p99: status.lagMs.p99, max: status.lagMs.max },
    busUtilisation: status.busUtilisation
      ? { bus: status.busUtilisation.bus, device: status.busUtilisation.device }
      : null,
    lastReadingAt: isoTimeOrNull(status.lastReadingAt),
    plan: status.plan ? { pointRequests: status.plan.pointRequests, requests: status.plan.requests } : null,
  }
}

export const FrameSchema = Type.Object({
  time: TimeSchema,
  direction: Type.Enum(['sent', 'received'], { description: 'Seen from the gateway.' }),
  bytes: Type.String({ description: 'Hexadecimal digits, two for each byte.' }),
})

export function frameShape({ time, direction, bytes }: WireFrame): Static<typeof FrameSchema> {
  return { time: isoTime(time), direction, bytes: Buffer.from(bytes).toString('hex') }
}
