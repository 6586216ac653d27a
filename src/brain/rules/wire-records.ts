// Records of an Evaluate call as conditions see them.

import type { JsonObject } from '@bufbuild/protobuf'
import { isBad, qualityOf, statusName } from '#domain/quality.ts'
import { eventOf, transitionOf } from '#rpc/entries.ts'
import type { Reading } from '#rpc/generated/telemetryx/v1/events_pb.js'
import type { Record as WireRecord } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { valueOf } from '#rpc/values.ts'
import type { RecordPosition } from './alerts.ts'
import { conditionValue, entryView, NO_WINDOWS, type ReadingView, type RecordView } from './record-view.ts'
import type { RecordKind } from './rule.ts'

export interface GivenRecord {
  readonly kind: RecordKind
  readonly view: RecordView
  readonly position: RecordPosition | null
  /** A bad reading. */
  readonly isBad: boolean
}

/** null for a record without content. `now`: for records without a time. */
export function givenRecord({ kind }: WireRecord, now: number): GivenRecord | null {
  switch (kind.case) {
    case 'reading':
      return reading(kind.value)
    case 'alarm':
      return { kind: 'alarm', view: entryView(transitionOf(kind.value), ''), position: null, isBad: false }
    case 'event':
      return { kind: 'event', view: entryView(eventOf(kind.value), ''), position: null, isBad: false }
    case 'custom':
      return { kind: 'custom', view: customView(kind.value, now), position: null, isBad: false }
    case undefined:
      return null
  }
}

function reading(wire: Reading): GivenRecord {
  const { gateway, position, receivedAtMs, sensor, status, timeMs, value } = wire
  const view: ReadingView = {
    kind: 'reading',
    sensor,
    gateway,
    time: Number(timeMs),
    receivedAt: Number(receivedAtMs),
    windows: NO_WINDOWS,
    value: isBad(status) ? null : conditionValue(valueOf(value)),
    quality: qualityOf(status),
    status: statusName(status),
    unit: '',
    machine: '',
    factory: '',
  }
  const at = position === undefined ? null : { epoch: position.epoch, seq: Number(position.seq) }
  return { kind: 'reading', view, position: at, isBad: isBad(status) }
}

function customView(given: JsonObject, now: number): RecordView {
  const { gateway, kind, receivedAt, sensor, time } = given
  const at = typeof time === 'number' ? time : now
  return {
    ...given,
    kind: typeof kind === 'string' ? kind : 'custom',
    sensor: typeof sensor === 'string' ? sensor : '',
    gateway: typeof gateway === 'string' ? gateway : '',
    time: at,
    receivedAt: typeof receivedAt === 'number' ? receivedAt : at,
    windows: NO_WINDOWS,
  }
}
