// Rules in the database, and what they have gathered: windows and cooldowns, for the next start.

import type { Database } from '#backing/database.ts'
import type { Log } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Rule } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { ruleFromText, ruleToText } from '../rules/wire-rules.ts'

interface RuleRow extends Record<string, unknown> {
  readonly tenant: string
  readonly id: string
  readonly body: string
}

export class RuleStore {
  readonly #database: Database
  readonly #log: Log

  constructor(database: Database, log: Log) {
    this.#database = database
    this.#log = log
  }

  /** All rules. One that cannot be read is logged and left out. */
  async load(): Promise<Rule[]> {
    const rows = await this.#database.query<RuleRow>('SELECT tenant, id, body FROM brain.rule ORDER BY tenant, id')
    return rows.flatMap(({ body, id, tenant }) => {
      try {
        return [ruleFromText(body)]
      } catch (error) {
        this.#log.error({ tenant, rule: id, err: error }, 'A rule cannot be read')
        return []
      }
    })
  }

  /** False when the id is taken. */
  async insert(rule: Rule): Promise<boolean> {
    const rows = await this.#database.query(
      'INSERT INTO brain.rule (tenant, id, revision, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id',
      [rule.tenant, rule.id, Number(rule.revision), ruleToText(rule)],
    )
    return rows.length > 0
  }

  /** Throws STALE when the rule has another revision than `before` by now. */
  async update(rule: Rule, before: bigint): Promise<void> {
    const rows = await this.#database.query(
      'UPDATE brain.rule SET revision = $3, body = $4 WHERE tenant = $1 AND id = $2 AND revision = $5 RETURNING id',
      [rule.tenant, rule.id, Number(rule.revision), ruleToText(rule), Number(before)],
    )
    if (rows.length === 0) throw new TelemetryError('STALE', `The rule ${rule.id} was changed meanwhile`)
  }

  async delete(tenant: string, id: string): Promise<void> {
    await this.#database.query('DELETE FROM brain.rule WHERE tenant = $1 AND id = $2', [tenant, id])
    await this.#database.query('DELETE FROM brain.rule_state WHERE tenant = $1 AND rule = $2', [tenant, id])
  }
}
