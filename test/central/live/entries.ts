// A batch of a gateway with an alarm that is raised and the event that it writes for an alert of the brain.

import { create } from '@bufbuild/protobuf'
import { wireEvent, wireTransition } from '#rpc/entries.ts'
import { IngestRequestSchema, type IngestRequest } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { makeAlarm } from '#test/api/fakes.ts'

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
