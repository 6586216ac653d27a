// All rules in memory, by tenant, indexed by kind of record, sensor and gateway, so that a record meets only rules that may
// speak about it. This is what rules are evaluated from: the database may be away.

import { isGlob, matchesGlob } from './sensor-glob.ts'
import { releaseWindows } from './rule-check.ts'
import type { CompiledRule, RecordKind } from './rule.ts'

/** Sensors whose rules are remembered; beyond it they are worked out again. */
const MAX_REMEMBERED = 200_000
const NONE: readonly CompiledRule[] = []

export class TenantRules {
  readonly #rules = new Map<string, CompiledRule>()
  #index: RuleIndex | null = null
  #version = 0

  /** Grows with each change: what was worked out of an earlier one is void. */
  get version(): number {
    return this.#version
  }

  get size(): number {
    return this.#rules.size
  }

  get(id: string): CompiledRule | undefined {
    return this.#rules.get(id)
  }

  /** By id. */
  list(): readonly CompiledRule[] {
    return [...this.#rules.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Puts a rule in the place of the one with its id. */
  put(rule: CompiledRule): void {
    const before = this.#rules.get(rule.id)
    if (before) releaseWindows(before, rule)
    this.#rules.set(rule.id, rule)
    this.#changed()
  }

  delete(id: string): void {
    const before = this.#rules.get(id)
    if (!before) return
    releaseWindows(before, null)
    this.#rules.delete(id)
    this.#changed()
  }

  /** Enabled rules that look at such a record. `sensor` '' : it has none. */
  candidates(kind: RecordKind, gateway: string, sensor: string): readonly CompiledRule[] {
    if (this.#rules.size === 0) return NONE
    this.#index ??= new RuleIndex([...this.#rules.values()])
    return this.#index.candidates(kind, gateway, sensor)
  }

  #changed(): void {
    this.#index = null
    this.#version += 1
  }
}

/** Rules of one kind of record, made for one version of the rules. */
class RuleIndex {
  readonly #kinds: Readonly<Record<RecordKind, KindIndex>>

  constructor(rules: readonly CompiledRule[]) {
    const enabled = rules.filter(({ wire }) => wire.enabled)
    const of = (kind: RecordKind): KindIndex => new KindIndex(enabled.filter(({ kinds }) => kinds.has(kind)))
    this.#kinds = { reading: of('reading'), alarm: of('alarm'), event: of('event'), custom: of('custom') }
  }

  candidates(kind: RecordKind, gateway: string, sensor: string): readonly CompiledRule[] {
    return this.#kinds[kind].candidates(gateway, sensor)
  }
}

class KindIndex {
  /** By a sensor that a rule names without wildcards. */
  readonly #exact = new Map<string, CompiledRule[]>()
  readonly #others: CompiledRule[] = []
  /** By gateway, then by sensor: neither is put together with the other for each record. */
  readonly #remembered = new Map<string, Map<string, readonly CompiledRule[]>>()
  #rememberedCount = 0

  constructor(rules: readonly CompiledRule[]) {
    for (const rule of rules) {
      if (rule.sensors.length === 0 || rule.sensors.some(isGlob)) this.#others.push(rule)
      else
        for (const sensor of new Set(rule.sensors)) {
          const known = this.#exact.get(sensor)
          if (known) known.push(rule)
          else this.#exact.set(sensor, [rule])
        }
    }
  }

  candidates(gateway: string, sensor: string): readonly CompiledRule[] {
    const known = this.#remembered.get(gateway)?.get(sensor)
    if (known) return known
    const found = [...(this.#exact.get(sensor) ?? []), ...this.#others.filter((rule) => looksAt(rule, sensor))].filter(
      ({ gateways }) => gateways === null || gateways.has(gateway),
    )
    this.#remember(gateway, sensor, found)
    return found
  }

  #remember(gateway: string, sensor: string, rules: readonly CompiledRule[]): void {
    if (this.#rememberedCount >= MAX_REMEMBERED) {
      this.#remembered.clear()
      this.#rememberedCount = 0
    }
    this.#rememberedCount += 1
    const bySensor = this.#remembered.get(gateway)
    if (bySensor) bySensor.set(sensor, rules)
    else this.#remembered.set(gateway, new Map([[sensor, rules]]))
  }
}

/** Does the rule look at this sensor? */
export function looksAt({ sensors }: Pick<CompiledRule, 'sensors'>, sensor: string): boolean {
  return sensors.length === 0 || sensors.some((pattern) => matchesGlob(pattern, sensor))
}

export class RuleBook {
  readonly #tenants = new Map<string, TenantRules>()

  of(tenant: string): TenantRules {
    let rules = this.#tenants.get(tenant)
    if (!rules) this.#tenants.set(tenant, (rules = new TenantRules()))
    return rules
  }

  get size(): number {
    let size = 0
    for (const rules of this.#tenants.values()) size += rules.size
    return size
  }

  all(): CompiledRule[] {
    return [...this.#tenants.values()].flatMap((rules) => [...rules.list()])
  }
}
