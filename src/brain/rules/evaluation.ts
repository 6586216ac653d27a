// Evaluate: records of a call against the rules of the caller's tenant, one of them, or one that is only tried out.

import { clone, create } from '@bufbuild/protobuf'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '#kit/clock.ts'
import {
  EvaluateResponseSchema,
  MatchSchema,
  RuleSchema,
  type EvaluateRequest,
  type EvaluateResponse,
  type Match,
  type Rule,
} from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { actionsOf } from '../actions/actions.ts'
import type { ActionEntry } from '../actions/entry.ts'
import type { Outbox } from '../actions/outbox.ts'
import { CallError, invalidArgument } from '../rpc/answers.ts'
import type { BrainLimits, Caller } from '../service.ts'
import type { Ledger } from '../state/ledger.ts'
import { compileRule, releaseWindows, type RuleCheckOptions } from './rule-check.ts'
import type { RuleEngine } from './rule-engine.ts'
import type { CompiledRule } from './rule.ts'
import { givenRecord, type GivenRecord } from './wire-records.ts'

/** Other calls get their turn after so long. */
const SLICE_MS = 10

export interface EvaluationOptions {
  readonly clock: Clock
  readonly engine: RuleEngine
  readonly ledger: Ledger
  readonly outbox: Outbox
  readonly check: RuleCheckOptions
  readonly limits: BrainLimits
}

export class Evaluation {
  readonly #options: EvaluationOptions

  constructor(options: EvaluationOptions) {
    this.#options = options
  }

  async run(request: EvaluateRequest, caller: Caller, isCancelled: () => boolean): Promise<EvaluateResponse> {
    this.#check(request)
    const { trial } = request
    if (trial === undefined) return this.#judge(request, caller, isCancelled)
    const rule = this.#trialRule(trial, caller)
    try {
      return await this.#judge(request, caller, isCancelled, rule)
    } finally {
      releaseWindows(rule, null)
    }
  }

  async #judge(
    request: EvaluateRequest,
    caller: Caller,
    isCancelled: () => boolean,
    trial: CompiledRule | null = null,
  ): Promise<EvaluateResponse> {
    const { clock, engine } = this.#options
    const book = engine.book.of(caller.tenant)
    // A rule that is named judges every record, whatever it looks at otherwise.
    const named = trial ?? this.#namedRule(request, caller)
    const only = named && [named]
    const now = clock.now()
    const mode = request.dryRun && trial === null ? 'look' : 'keep'
    const isReal = !request.dryRun && trial === null
    const matches: Match[] = []
    const actions: ActionEntry[] = []
    let evaluated = 0
    let since = clock.monotonic()
    for (let index = 0; index < request.records.length; index++) {
      // One at a time: the views of a thousand records would live long enough to be copied by the collector.
      const record = givenRecord(request.records[index]!, now)
      if (record === null) continue
      const rules = seeing(record, only ?? book.candidates(record.kind, record.view.gateway, record.view.sensor))
      evaluated += rules.length
      for (const { alert, rule } of engine.judgeRecord(rules, record.view, record.position, mode)) {
        matches.push(create(MatchSchema, { record: index, ruleId: rule.id, ...(alert === null ? {} : { alert }) }))
        if (isReal && alert !== null)
          actions.push(...actionsOf({ alert, record: record.view, rule }, { tenant: caller.tenant, now: clock.now() }))
      }
      if (clock.monotonic() - since < SLICE_MS) continue
      await nextTurn()
      if (isCancelled()) throw new CallError('CANCELLED', 'The caller has gone')
      since = clock.monotonic()
    }
    await this.#act(actions)
    return create(EvaluateResponseSchema, { matches, evaluated: BigInt(evaluated) })
  }

  async #act(wanted: readonly ActionEntry[]): Promise<void> {
    if (wanted.length === 0) return
    const { ledger, outbox } = this.#options
    const actions = outbox.admit(wanted)
    await ledger.keep(actions)
    outbox.take(actions)
  }

  /** Refuses before anything is judged: all or nothing. */
  #check({ records, ruleId, trial }: EvaluateRequest): void {
    const { maxRecords } = this.#options.limits
    if (records.length > maxRecords)
      throw invalidArgument({ field: 'records', description: `must not be more than ${maxRecords}` })
    if (trial !== undefined && ruleId !== '')
      throw invalidArgument({ field: 'trial', description: 'cannot be given together with rule_id' })
    const empty = records.findIndex(({ kind }) => kind.case === undefined)
    if (empty >= 0) throw invalidArgument({ field: `records[${empty}]`, description: 'is empty' })
  }

  #namedRule({ ruleId }: EvaluateRequest, { tenant }: Caller): CompiledRule | null {
    if (ruleId === '') return null
    const rule = this.#options.engine.book.of(tenant).get(ruleId)
    if (rule === undefined) throw new CallError('NOT_FOUND', `There is no rule ${ruleId.slice(0, 64)}`)
    return rule
  }

  #trialRule(given: Rule, { tenant }: Caller): CompiledRule {
    const wire = clone(RuleSchema, given)
    wire.tenant = tenant
    if (wire.id === '') wire.id = 'trial'
    const result = compileRule(wire, null, 'trial', this.#options.check)
    if (!result.ok) throw invalidArgument(...result.violations)
    return result.rule
  }
}

/** A bad reading is seen only by rules that ask for the quality. */
function seeing({ isBad }: GivenRecord, rules: readonly CompiledRule[]): readonly CompiledRule[] {
  return isBad ? rules.filter(({ seesBad }) => seesBad) : rules
}
