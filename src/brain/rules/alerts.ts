// What a rule says when it speaks.

import { createHash, randomUUID } from 'node:crypto'
import { create, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { AlertSchema, type Alert } from '#rpc/generated/telemetryx/v1/events_pb.js'
import { getterOf, stepsOf } from './record-path.ts'
import type { RecordView } from './record-view.ts'
import type { CompiledRule } from './rule.ts'

const MAX_MESSAGE = 2000
const MAX_DATE_MS = 8.64e15 // ECMA-262 §21.4.1.1
const MAX_DATA_DEPTH = 4

export interface RecordPosition {
  readonly epoch: number
  readonly seq: number
}

/** `position` null: the record has none. */
export function alertOf(rule: CompiledRule, record: RecordView, position: RecordPosition | null): Alert {
  const time = Math.abs(record.time) <= MAX_DATE_MS ? record.time : 0
  return create(AlertSchema, {
    id: alertId(rule, record, position),
    ruleId: rule.id,
    ruleName: rule.wire.name,
    severity: rule.wire.severity,
    message: messageOf(rule, record),
    sensor: typeof record.sensor === 'string' ? record.sensor : '',
    gateway: typeof record.gateway === 'string' ? record.gateway : '',
    time: timestampFromMs(Math.floor(time)),
    data: seenBy(rule, record),
    ...(position === null ? {} : { position: { epoch: position.epoch, seq: BigInt(position.seq) } }),
  })
}

/** The same record gives the same id, however often it comes. */
function alertId(rule: CompiledRule, { gateway }: RecordView, position: RecordPosition | null): string {
  if (position === null) return randomUUID()
  const name = [rule.tenant, rule.id, gateway, position.epoch, position.seq].join('\n')
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}

/** The template of the first alert action, else the rule's name, else its id. */
function messageOf({ id, wire }: CompiledRule, record: RecordView): string {
  const alert = wire.actions.find(({ kind }) => kind.case === 'alert')
  const template = alert?.kind.case === 'alert' ? alert.kind.value.message : ''
  if (template === '') return wire.name === '' ? id : wire.name
  return filled(template, record).slice(0, MAX_MESSAGE)
}

/** `{sensor}`, `{value}`, `{windows.mean}`: each replaced by what the record has there. */
export function filled(template: string, record: object): string {
  return template.replace(/\{([A-Za-z_][\w.-]{0,127})\}/g, (_match, path: string) => textOf(valueAt(record, path)))
}

/** Values of the paths that the condition reads. */
function seenBy({ condition }: CompiledRule, record: RecordView): JsonObject {
  const data: Record<string, JsonValue> = {}
  for (const path of condition.reads ?? ['value']) data[path] = plain(valueAt(record, path), MAX_DATA_DEPTH)
  if (Object.keys(record.windows).length > 0) data['windows'] = plain(record.windows, 2)
  if (typeof record['unit'] === 'string' && record['unit'] !== '') data['unit'] = record['unit']
  return data
}

function valueAt(record: object, path: string): unknown {
  const steps = stepsOf(path)
  return steps === null ? null : getterOf(steps)(record)
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number') return String(Number(value.toPrecision(12)))
  return typeof value === 'object' ? JSON.stringify(plain(value, 2)) : String(value as string)
}

/** As JSON has it; what it has not, and what is nested deeper, is null. */
function plain(value: unknown, depth: number): JsonValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value !== 'object' || value === null || depth === 0) return null
  if (Array.isArray(value)) return value.slice(0, 100).map((one) => plain(one, depth - 1))
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 100)
      .map(([key, one]) => [key, plain(one, depth - 1)]),
  )
}
