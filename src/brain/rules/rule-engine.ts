// Rules at work: the book, the windows' memory and the judge together, for batches of gateways and for single records.

import { isBad } from '#domain/quality.ts'
import type { Registry } from '#kit/metrics.ts'
import { collectedCounter, collectedGauge } from '#kit/metrics.ts'
import type { KnownSensor, KnownSensors } from '#rpc/dictionary.ts'
import type { Alert } from '#rpc/generated/telemetryx/v1/events_pb.js'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import { alertOf, type RecordPosition } from './alerts.ts'
import { Judge, type JudgeMode } from './judge.ts'
import { Logic } from './operators.ts'
import { emptyReading, entryView, fillReading, type RecordView } from './record-view.ts'
import { RuleBook, type TenantRules } from './rule-book.ts'
import type { CompiledRule, RecordKind } from './rule.ts'
import { WindowMemory } from './windows.ts'

export interface RuleEngineOptions {
  readonly registry: Registry
  readonly maxWindowKeys: number
  readonly maxWindowValues: number
}

/** A rule that has spoken. `record` is valid only while it is told. */
export interface Spoken {
  readonly rule: CompiledRule
  readonly alert: Alert
  readonly record: RecordView
}

/** A rule whose condition held. */
export interface Held {
  readonly rule: CompiledRule
  /** null: within its cooldown. */
  readonly alert: Alert | null
}

const NOTHING: readonly Held[] = []

export interface BatchToJudge {
  readonly tenant: string
  readonly gateway: string
  readonly batch: ReceivedBatch
  readonly rows: readonly number[]
  readonly sensors: KnownSensors
}

export class RuleEngine {
  readonly logic = new Logic()
  readonly book = new RuleBook()
  readonly memory: WindowMemory
  readonly judge: Judge
  /** Conditions that could not be worked out to the end. */
  failures = 0
  #records = 0
  readonly #reading = emptyReading()

  constructor({ maxWindowKeys, maxWindowValues, registry }: RuleEngineOptions) {
    this.memory = new WindowMemory({ maxKeys: maxWindowKeys, maxValues: maxWindowValues })
    this.judge = new Judge({ maxKeys: maxWindowKeys })
    this.#addMetrics(registry)
  }

  /** Judges the rows in their order; tells each rule that speaks. */
  judgeBatch({ batch, gateway, rows, sensors, tenant }: BatchToJudge, tell: (spoken: Spoken) => void): void {
    const rules = this.book.of(tenant)
    this.#records += rows.length
    if (rules.size === 0) return
    this.#reading.gateway = gateway
    for (const row of rows) {
      const entry = batch.entries.get(row)
      if (entry !== undefined) {
        const view = entryView(entry, gateway)
        const kind: RecordKind = entry.kind
        this.#judgeAll(rules.candidates(kind, gateway, view.sensor), view, positionOf(batch, row), tell)
      } else {
        const sensor = sensors.get(batch.sensor[row]!)
        if (sensor !== undefined) this.#judgeReading(rules, batch, row, sensor, tell)
      }
    }
  }

  /** Judges one record against the rules that look at it. */
  judgeRecord(
    rules: readonly CompiledRule[],
    record: RecordView,
    position: RecordPosition | null,
    mode: JudgeMode,
  ): readonly Held[] {
    this.#records += 1
    let held: Held[] | null = null // of most records there is nothing to tell
    for (const rule of rules) {
      const verdict = this.judge.judge(rule, record, mode)
      if (verdict === 'no') continue
      held ??= []
      held.push({ rule, alert: verdict === 'speaks' ? alertOf(rule, record, position) : null })
    }
    return held ?? NOTHING
  }

  #judgeReading(
    rules: TenantRules,
    batch: ReceivedBatch,
    row: number,
    sensor: KnownSensor,
    tell: (spoken: Spoken) => void,
  ): void {
    const view = this.#reading
    const candidates = rules.candidates('reading', view.gateway, sensor.id)
    if (candidates.length === 0) return
    const isBadReading = isBad(batch.status[row]!)
    let isFilled = false
    for (const rule of candidates) {
      if (isBadReading && !rule.seesBad) continue
      if (!isFilled) fillReading(view, batch, row, sensor)
      isFilled = true
      if (this.judge.judge(rule, view, 'keep') !== 'speaks') continue
      tell({ rule, alert: alertOf(rule, view, positionOf(batch, row)), record: view })
    }
  }

  #judgeAll(
    rules: readonly CompiledRule[],
    record: RecordView,
    position: RecordPosition,
    tell: (spoken: Spoken) => void,
  ): void {
    for (const rule of rules)
      if (this.judge.judge(rule, record, 'keep') === 'speaks')
        tell({ rule, alert: alertOf(rule, record, position), record })
  }

  #addMetrics(registry: Registry): void {
    const counter = (name: string, help: string, read: () => number): void =>
      collectedCounter({ registry, name: `telemetryx_brain_${name}`, help, collect: () => [{ value: read() }] })
    const gauge = (name: string, help: string, read: () => number): void =>
      collectedGauge({ registry, name: `telemetryx_brain_${name}`, help, collect: () => [{ value: read() }] })
    counter('records_judged_total', 'Records given to the rules', () => this.#records)
    counter('evaluations_total', 'Pairs of record and rule that were judged', () => this.judge.evaluated)
    counter('alerts_total', 'Rules that spoke', () => this.judge.spoken)
    counter(
      'alerts_silenced_total',
      'Conditions that held within the cooldown of their rule',
      () => this.judge.silenced,
    )
    counter('condition_failures_total', 'Conditions that could not be worked out to the end', () => this.failures)
    counter('window_keys_evicted_total', 'Keys of windows forgotten for want of room', () => this.memory.evicted)
    gauge('rules', 'Rules of all tenants', () => this.book.size)
    gauge('window_keys', 'Keys that windows keep apart', () => this.memory.keys)
    gauge('window_values', 'Values that windows have room for', () => this.memory.values)
  }
}

function positionOf(batch: ReceivedBatch, row: number): RecordPosition {
  return { epoch: batch.epoch, seq: batch.seq[row]! }
}
