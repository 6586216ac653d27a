// RulesService: rules are kept in the database first, then in the book that everything is evaluated from.

import { randomBytes } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { Log } from '#domain/driver.ts'
import type { SyncResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { RuleChange_Kind, RuleChangeSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import {
  CreateRuleResponseSchema,
  DeleteRuleResponseSchema,
  GetRuleResponseSchema,
  ListRulesResponseSchema,
  RulesService as Definition,
  UpdateRuleResponseSchema,
  type CreateRuleRequest,
  type ListRulesRequest,
  type Rule,
  type UpdateRuleRequest,
} from '#rpc/generated/telemetryx/v1/rules_pb.js'
import type { RpcServer } from '#rpc/server.ts'
import { serviceDefinition } from '#rpc/service-definition.ts'
import { CallError, invalidArgument, unary } from '../rpc/answers.ts'
import type { BrainContext, BrainService, Caller } from '../service.ts'
import type { RuleStore } from '../state/rule-store.ts'
import { Evaluation, type EvaluationOptions } from './evaluation.ts'
import { looksAt } from './rule-book.ts'
import { compileRule, type RuleCheckOptions } from './rule-check.ts'
import type { CompiledRule } from './rule.ts'
import { isChangeable, mergedRule, newRule, publicRule } from './wire-rules.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 1000

export interface RulesServiceOptions extends Omit<EvaluationOptions, 'clock' | 'limits' | 'check'> {
  readonly log: Log
  readonly check: RuleCheckOptions
  readonly store: RuleStore
  /** Tells gateways of a tenant of a change; none named: all. */
  readonly broadcast: (tenant: string, gateways: readonly string[], message: SyncResponse['message']) => void
}

export class RulesService implements BrainService {
  readonly name = Definition.typeName
  readonly #options: RulesServiceOptions
  #context: BrainContext | null = null

  constructor(options: RulesServiceOptions) {
    this.#options = options
  }

  register({ grpc }: RpcServer, context: BrainContext): void {
    this.#context = context
    const { clock, limits } = context
    const { log } = this.#options
    const evaluation = new Evaluation({ ...this.#options, clock, limits })
    grpc.addService(serviceDefinition(Definition), {
      createRule: unary(log, (request: CreateRuleRequest, call) =>
        this.#create(request, context.caller(call, 'write')),
      ),
      getRule: unary(log, ({ id }: { id: string }, call) => {
        const rule = this.#known(context.caller(call, 'read'), id)
        return create(GetRuleResponseSchema, { rule: publicRule(rule.wire) })
      }),
      listRules: unary(log, (request: ListRulesRequest, call) => this.#list(request, context.caller(call, 'read'))),
      updateRule: unary(log, (request: UpdateRuleRequest, call) =>
        this.#update(request, context.caller(call, 'write')),
      ),
      deleteRule: unary(log, async ({ id }: { id: string }, call) => {
        await this.#delete(id, context.caller(call, 'write'))
        return create(DeleteRuleResponseSchema)
      }),
      evaluate: unary(log, (request: Parameters<Evaluation['run']>[0], call) => {
        const changesNothing = request.dryRun || request.trial !== undefined
        return evaluation.run(request, context.caller(call, changesNothing ? 'read' : 'write'), () => call.cancelled)
      }),
    })
  }

  /** Fills the book. */
  async start(): Promise<void> {
    const { check, engine, log, store } = this.#options
    // A rule stays when its way out was taken from the configuration: its other actions go on, and it can be changed.
    const lenient = { ...check, actions: { hasMail: true, hasMqtt: true } }
    for (const wire of await store.load()) {
      const result = compileRule(wire, null, 'rule', lenient)
      if (result.ok) engine.book.of(wire.tenant).put(result.rule)
      else
        log.error({ tenant: wire.tenant, rule: wire.id, problems: result.violations }, 'A rule is not sound any more')
    }
    log.info({ rules: engine.book.size }, 'Rules are loaded')
  }

  async stop(): Promise<void> {}

  async #create({ rule: given }: CreateRuleRequest, caller: Caller) {
    if (given === undefined) throw invalidArgument({ field: 'rule', description: 'is missing' })
    const { engine, store } = this.#options
    const rules = engine.book.of(caller.tenant)
    const { clock, limits } = this.#context!
    checkTenant(given, caller)
    if (rules.size >= limits.maxRulesPerTenant)
      throw new CallError('RESOURCE_EXHAUSTED', `The tenant has ${rules.size} rules: no more are taken`)
    const wire = newRule(given)
    wire.tenant = caller.tenant
    if (wire.id === '') wire.id = `rule-${randomBytes(8).toString('hex')}`
    wire.revision = 1n
    wire.createdAt = timestampFromMs(clock.now())
    wire.updatedAt = wire.createdAt
    const rule = this.#compiled(wire, null)
    if (rules.get(wire.id) || !(await store.insert(wire)))
      throw new CallError('ALREADY_EXISTS', `There is a rule with the id ${wire.id}`)
    rules.put(rule)
    this.#tell(RuleChange_Kind.CREATED, wire)
    return create(CreateRuleResponseSchema, { rule: publicRule(wire) })
  }

  async #update({ rule: given, updateMask }: UpdateRuleRequest, caller: Caller) {
    if (given === undefined) throw invalidArgument({ field: 'rule', description: 'is missing' })
    checkTenant(given, caller)
    const before = this.#known(caller, given.id)
    const paths = updateMask?.paths ?? []
    const unknown = paths.filter((path) => !isChangeable(path))
    if (unknown.length > 0)
      throw invalidArgument(
        ...unknown.map((path) => ({ field: 'update_mask', description: `${path.slice(0, 64)} cannot be changed` })),
      )
    if (given.revision !== 0n && given.revision !== before.wire.revision)
      throw new CallError('ABORTED', `The rule ${given.id} has revision ${before.wire.revision} by now`)
    const wire = mergedRule(before.wire, given, paths)
    wire.revision = before.wire.revision + 1n
    wire.updatedAt = timestampFromMs(this.#context!.clock.now())
    const rule = this.#compiled(wire, before)
    await this.#options.store.update(wire, before.wire.revision)
    this.#options.engine.book.of(caller.tenant).put(rule)
    this.#tell(RuleChange_Kind.UPDATED, wire)
    return create(UpdateRuleResponseSchema, { rule: publicRule(wire) })
  }

  async #delete(id: string, caller: Caller): Promise<void> {
    const { wire } = this.#known(caller, id)
    await this.#options.store.delete(caller.tenant, id)
    this.#options.engine.book.of(caller.tenant).delete(id)
    this.#tell(RuleChange_Kind.DELETED, wire)
  }

  #list({ enabled, pageSize, pageToken, sensor }: ListRulesRequest, caller: Caller) {
    if (pageSize > MAX_PAGE) throw invalidArgument({ field: 'page_size', description: `must be at most ${MAX_PAGE}` })
    const after = Buffer.from(pageToken, 'base64url').toString()
    if (Buffer.from(after).toString('base64url') !== pageToken)
      throw invalidArgument({ field: 'page_token', description: 'is not one of this server' })
    const size = pageSize === 0 ? DEFAULT_PAGE : pageSize
    const found = this.#options.engine.book
      .of(caller.tenant)
      .list()
      .filter((rule) => rule.id > after && (enabled === undefined || rule.wire.enabled === enabled))
      .filter((rule) => sensor === '' || looksAt(rule, sensor))
    const page = found.slice(0, size)
    const last = found.length > size ? page.at(-1) : undefined
    return create(ListRulesResponseSchema, {
      rules: page.map(({ wire }) => publicRule(wire)),
      nextPageToken: last === undefined ? '' : Buffer.from(last.id).toString('base64url'),
    })
  }

  /** Rules of other tenants are not there. Throws NOT_FOUND. */
  #known({ tenant }: Caller, id: string): CompiledRule {
    const rule = this.#options.engine.book.of(tenant).get(id)
    if (rule === undefined) throw new CallError('NOT_FOUND', `There is no rule ${id.slice(0, 64)}`)
    return rule
  }

  #compiled(wire: Rule, before: CompiledRule | null): CompiledRule {
    const result = compileRule(wire, before, 'rule', this.#options.check)
    if (!result.ok) throw invalidArgument(...result.violations)
    return result.rule
  }

  #tell(kind: RuleChange_Kind, wire: Rule): void {
    const value = create(RuleChangeSchema, { kind, rule: publicRule(wire) })
    this.#options.broadcast(wire.tenant, wire.gateways, { case: 'ruleChange', value })
  }
}

function checkTenant({ tenant }: Rule, caller: Caller): void {
  if (tenant === '' || tenant === caller.tenant) return
  const violations = [{ field: 'rule.tenant', description: `must be empty or ${caller.tenant}` }]
  throw new CallError('PERMISSION_DENIED', `The token ${caller.name} is not of the tenant ${tenant.slice(0, 64)}`, {
    violations,
    reason: 'TENANT_NOT_YOURS',
  })
}
