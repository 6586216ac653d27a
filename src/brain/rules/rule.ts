// A rule ready to be evaluated.

import type { Severity } from '#domain/check.ts'
import type { Rule as WireRule } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import type { Condition } from './condition.ts'
import type { Getter } from './record-path.ts'
import type { KeyedWindow } from './windows.ts'

export type RecordKind = 'reading' | 'alarm' | 'event' | 'custom'

export interface RuleWindow {
  readonly name: string
  readonly field: Getter
  /** null: the sensor of its gateway. */
  readonly key: Getter | null
  readonly keyed: KeyedWindow
  /** Windows with the same definition keep their values when their rule is changed. */
  readonly definition: string
}

export interface CompiledRule {
  readonly tenant: string
  readonly id: string
  /** As it is kept; with secrets. */
  readonly wire: WireRule
  readonly severity: Severity
  readonly condition: Condition
  /** Kinds of records that it looks at. */
  readonly kinds: ReadonlySet<RecordKind>
  /** Bad readings have no value: only rules that ask for the quality see them. */
  readonly seesBad: boolean
  /** Empty: all. */
  readonly sensors: readonly string[]
  /** null: all. */
  readonly gateways: ReadonlySet<string> | null
  readonly windows: readonly RuleWindow[]
  readonly cooldownMs: number
  /** Key → time of the record at which it spoke last; bounded, in the order of speaking. */
  readonly spoken: Map<string, number>
  /** It has spoken since its state was last kept. */
  hasSpoken: boolean
}
