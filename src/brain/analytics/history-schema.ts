// What analytics keep in the database: readings that the brain has accepted, and models.

import type { Migration } from '#backing/migrate.ts'

export const SCHEMA = 'brain_analytics'

export const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    name: 'history',
    sql: `
      CREATE TABLE sensor (tenant text, gateway text, sensor text, PRIMARY KEY (tenant, gateway, sensor));
      CREATE TABLE history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        token uuid NOT NULL UNIQUE, -- so that a block is there once, however often it was sent
        tenant text NOT NULL, gateway text NOT NULL, sensor text NOT NULL,
        first_time bigint NOT NULL, last_time bigint NOT NULL, -- Unix milliseconds
        readings int NOT NULL, block bytea NOT NULL);
      CREATE INDEX history_by_sensor ON history (tenant, gateway, sensor, last_time);
      CREATE INDEX history_by_age ON history (tenant, last_time)`,
  },
  {
    id: 2,
    name: 'models',
    sql: `
      CREATE TABLE model (
        tenant text, name text, version int, state text NOT NULL CHECK (state IN ('candidate', 'active', 'retired')),
        created_at timestamptz NOT NULL, promoted_at timestamptz,
        description text NOT NULL, -- JSON: kind, sensors, detector, evaluation, who
        checksum text NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (tenant, name, version));
      CREATE UNIQUE INDEX model_in_use ON model (tenant, name) WHERE state = 'active';
      CREATE TABLE promotion (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant text NOT NULL, name text NOT NULL, version int NOT NULL,
        FOREIGN KEY (tenant, name, version) REFERENCES model ON DELETE CASCADE);
      CREATE INDEX promotion_by_name ON promotion (tenant, name, id)`,
  },
  {
    id: 3,
    name: 'drift',
    sql: `
      CREATE TABLE drift (
        tenant text, name text, version int, gateway text, sensor text,
        index float8 NOT NULL, readings bigint NOT NULL, time bigint NOT NULL, -- Unix milliseconds
        drifted boolean NOT NULL, episode int NOT NULL,
        PRIMARY KEY (tenant, name, version, gateway, sensor),
        FOREIGN KEY (tenant, name, version) REFERENCES model ON DELETE CASCADE)`,
  },
]
