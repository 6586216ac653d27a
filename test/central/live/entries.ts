// A batch of a gateway with an alarm that is raised and the event that it writes for an alert of the brain.

import { create } from '@bufbuild/protobuf'
import { wireEvent, wireTransition } from '#rpc/entries.ts'
import type { Alarm } from '#domain/alarm.ts'
import { IngestRequestSchema, Lane, type IngestRequest } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { makeAlarm } from '#test/api/fakes.ts'

/** What a gateway that sends what is new first (`liveFirst`) tells of an alarm, as it is after the change. */
export function transitionOf(
  alarm: Alarm,
  of: { readonly seq: number; readonly lane: 'live' | 'backlog' },
): IngestRequest {
  const change = alarm.active ? 'raised' : 'cleared'
  const transition = wireTransition({ kind: 'alarm', change, time: alarm.raisedAt, by: null, comment: null, alarm })
  const seq = BigInt(of.seq)
  const lane = of.lane === 'live' ? Lane.LIVE : Lane.BACKLOG
  return create(IngestRequestSchema, {
    gateway: 'edge-01',
    factory: 'Plant A',
    batch: { epoch: 2, lane, historical: of.lane === 'backlog', lastSeq: seq, alarms: [{ seq, transition }] },
  })
}

export function entriesOf(now: number): IngestRequest {
  const alarm = makeAlarm('1-1', 'press.oil', { raisedAt: now })
  const transition = wireTransition({ kind: 'alarm', change: 'raised', time: now, by: null, comment: null, alarm })
  const event = wireEvent({
    kind: 'event',
    type: 'receiver-alert',
    severity: 'error',
    time: now,
    message: 'Oil is hot',
    source: 'brain',
    data: { alert: 'alert-1', rule: 'r1', ruleName: 'Too hot', sensor: 'press.oil', time: now, data: { limit: 75 } },
  })
  return create(IngestRequestSchema, {
    gateway: 'edge-01',
    factory: 'Plant A',
    batch: {
      epoch: 1,
      firstSeq: 1n,
      lastSeq: 2n,
      alarms: [{ seq: 1n, transition }],
      events: [{ seq: 2n, event }],
    },
  })
}
