// The brain's tables, in a schema of their own: rules, positions of what has been taken, actions that wait, state of rules.

import type { Migration } from '#backing/migrate.ts'

export const SCHEMA = 'brain'

export const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    name: 'rules, positions, actions, state',
    sql: `
      CREATE TABLE brain.rule (
        tenant text NOT NULL, id text NOT NULL, revision int8 NOT NULL, body text NOT NULL,
        PRIMARY KEY (tenant, id));
      CREATE TABLE brain.position (
        tenant text NOT NULL, gateway text NOT NULL, epoch int8 NOT NULL, ranges text NOT NULL,
        PRIMARY KEY (tenant, gateway, epoch));
      CREATE TABLE brain.action (
        id text PRIMARY KEY, tenant text NOT NULL, kind text NOT NULL, body text NOT NULL, created_at int8 NOT NULL);
      CREATE TABLE brain.rule_state (
        tenant text NOT NULL, rule text NOT NULL, body text NOT NULL,
        PRIMARY KEY (tenant, rule));`,
  },
]
