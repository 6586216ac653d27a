// Central's tables, as migrations of the schema `central`. Every table of tenants' data has row-level security, forced, by the
// setting `telemetryx.tenant` of the transaction (tenant-database.ts). Tables that grow with time are cut by it: partitions, or
// chunks of TimescaleDB where the database has it (time-tables.ts).

import type { Migration } from '#backing/migrate.ts'

export const SCHEMA = 'central'

/** Of the transaction; null when it has none: then no row is seen. As a sub-select it is worked out once for each statement. */
const TENANT = `(SELECT nullif(current_setting('telemetryx.tenant', true), '')::int)`
const IS_PLATFORM = `(SELECT current_setting('telemetryx.platform', true) = 'on')`

const TABLES = `
CREATE TABLE tenant (
  number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  name text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  revision int NOT NULL DEFAULT 1,
  model_version int NOT NULL DEFAULT 1 -- grows when what ingest remembers of the model is no longer so
);
CREATE TABLE api_key (
  tenant int NOT NULL, id text NOT NULL, name text NOT NULL, scopes text[] NOT NULL, gateway text,
  hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
  created_at timestamptz NOT NULL DEFAULT now(), created_by text NOT NULL,
  expires_at timestamptz, last_used_at timestamptz, revoked_at timestamptz,
  PRIMARY KEY (tenant, id)
);
CREATE TABLE audit (
  tenant int NOT NULL, number bigint GENERATED ALWAYS AS IDENTITY, time timestamptz NOT NULL,
  by text NOT NULL, origin text NOT NULL, action text NOT NULL, outcome text NOT NULL, details jsonb NOT NULL,
  PRIMARY KEY (tenant, number)
);
CREATE INDEX audit_time ON audit (tenant, time, number);
CREATE TABLE document (
  tenant int NOT NULL, kind text NOT NULL, id text NOT NULL, body jsonb NOT NULL,
  revision int NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, kind, id)
);
CREATE TABLE gateway ( -- and programs, which send under a name of their own
  number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant int NOT NULL, id text NOT NULL, is_program boolean NOT NULL,
  factory text NOT NULL DEFAULT '', version text NOT NULL DEFAULT '', epoch int NOT NULL DEFAULT 0,
  is_registered boolean NOT NULL DEFAULT true,
  registered_at timestamptz NOT NULL DEFAULT now(), seen_at timestamptz NOT NULL DEFAULT now(),
  record_at timestamptz, clock_offset_ms float8, lag_ms float8, is_replaying boolean NOT NULL DEFAULT false,
  UNIQUE (tenant, id)
);
CREATE TABLE configuration_offer (
  tenant int NOT NULL, gateway int NOT NULL REFERENCES gateway, revision int NOT NULL,
  text text NOT NULL, comment text, by text NOT NULL, offered_at timestamptz NOT NULL DEFAULT now(),
  state text NOT NULL DEFAULT 'offered', number int, reason text, problems jsonb NOT NULL DEFAULT '[]', reported_at timestamptz,
  PRIMARY KEY (gateway, revision)
);
CREATE TABLE factory (
  tenant int NOT NULL, id text NOT NULL, name text NOT NULL, is_edited boolean NOT NULL DEFAULT false,
  metadata jsonb NOT NULL DEFAULT '{}', tags text[] NOT NULL DEFAULT '{}', revision int NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant, id)
);
CREATE TABLE machine (
  tenant int NOT NULL, id text NOT NULL, name text NOT NULL, factory text NOT NULL, is_edited boolean NOT NULL DEFAULT false,
  metadata jsonb NOT NULL DEFAULT '{}', tags text[] NOT NULL DEFAULT '{}', revision int NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, factory) REFERENCES factory
);
CREATE INDEX machine_factory ON machine (tenant, factory);
CREATE TABLE sensor (
  number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant int NOT NULL, gateway int NOT NULL REFERENCES gateway,
  source_id text NOT NULL,     -- as the gateway calls it
  value_type text NOT NULL,
  id text NOT NULL,            -- as central calls it; of the value types that it has had, the newest is current
  is_current boolean NOT NULL DEFAULT true,
  machine text NOT NULL, unit text NOT NULL, writable boolean NOT NULL, description text NOT NULL,
  edited text[] NOT NULL DEFAULT '{}', -- what people have changed and gateways do not change back
  metadata jsonb NOT NULL DEFAULT '{}', tags text[] NOT NULL DEFAULT '{}', revision int NOT NULL DEFAULT 1,
  UNIQUE (gateway, source_id, value_type), FOREIGN KEY (tenant, machine) REFERENCES machine
);
CREATE UNIQUE INDEX sensor_id ON sensor (tenant, id COLLATE "C") WHERE is_current;
CREATE INDEX sensor_any_id ON sensor (tenant, id);
CREATE INDEX sensor_machine ON sensor (tenant, machine);
CREATE TABLE latest (
  time timestamptz NOT NULL, received_at timestamptz NOT NULL, seq bigint NOT NULL, value float8, bits bigint,
  tenant int NOT NULL, sensor int PRIMARY KEY REFERENCES sensor ON DELETE CASCADE, epoch int NOT NULL, status int NOT NULL, text text
) WITH (fillfactor = 70);
CREATE TABLE position (
  tenant int NOT NULL, gateway int NOT NULL REFERENCES gateway, epoch int NOT NULL, ranges int8multirange NOT NULL,
  PRIMARY KEY (gateway, epoch)
) WITH (fillfactor = 50);
CREATE TABLE stale_rollup ( -- cells whose readings have changed since they were worked out
  tenant int NOT NULL, gateway int NOT NULL, level text NOT NULL CHECK (level IN ('minute', 'hour')), time timestamptz NOT NULL,
  touched int NOT NULL DEFAULT 0,
  PRIMARY KEY (gateway, level, time)
) WITH (fillfactor = 50);
CREATE INDEX stale_rollup_time ON stale_rollup (level, time);
CREATE TABLE alarm (
  tenant int NOT NULL, gateway int NOT NULL REFERENCES gateway, id text NOT NULL, raised_at timestamptz NOT NULL,
  cleared_at timestamptz, sensor text NOT NULL, check_type text NOT NULL, is_open boolean NOT NULL,
  epoch int NOT NULL, seq bigint NOT NULL, alarm jsonb NOT NULL,
  PRIMARY KEY (gateway, id, raised_at)
) WITH (fillfactor = 70);
CREATE INDEX alarm_open ON alarm (tenant, raised_at DESC, gateway, id) WHERE is_open;
CREATE INDEX alarm_sensor ON alarm (tenant, gateway, sensor, raised_at DESC);
CREATE TABLE alert (
  tenant int NOT NULL, id text NOT NULL, time timestamptz NOT NULL, alert jsonb NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX alert_time ON alert (tenant, time DESC, id);
`

/**
 * Tables that are cut by time, with the columns that they are found by. Widest columns first: no padding. Hypertables are made with
 * TimescaleDB's interface since 2.13, and stay in rows: its columnstore refuses tables with row-level security.
 */
const TIME_TABLES = `
DO $do$
DECLARE
  is_hyper boolean := EXISTS (SELECT FROM pg_proc WHERE proname = 'create_hypertable') AND EXISTS (SELECT FROM pg_proc WHERE proname = 'by_range');
  cut text := CASE WHEN is_hyper THEN '' ELSE 'PARTITION BY RANGE (time)' END;
  rollup text := 'time timestamptz NOT NULL, last_time timestamptz NOT NULL, count bigint NOT NULL,
    min float8 NOT NULL, max float8 NOT NULL, mean float8 NOT NULL, squares float8 NOT NULL, last float8 NOT NULL,
    tenant int NOT NULL, sensor int NOT NULL, PRIMARY KEY (sensor, time)';
BEGIN
  EXECUTE 'CREATE TABLE reading (
    time timestamptz NOT NULL, received_at timestamptz NOT NULL, seq bigint NOT NULL, value float8, bits bigint,
    tenant int NOT NULL, sensor int NOT NULL, epoch int NOT NULL, status int NOT NULL, text text) ' || cut;
  CREATE INDEX reading_sensor ON reading (sensor, time);
  CREATE INDEX reading_time ON reading USING brin (time) WITH (pages_per_range = 32);
  EXECUTE 'CREATE TABLE rollup_minute (' || rollup || ') ' || cut;
  EXECUTE 'CREATE TABLE rollup_hour (' || rollup || ') ' || cut;
  EXECUTE 'CREATE TABLE entry (
    time timestamptz NOT NULL, seq bigint NOT NULL, tenant int NOT NULL, gateway int NOT NULL, epoch int NOT NULL,
    kind text NOT NULL, entry jsonb NOT NULL) ' || cut;
  CREATE INDEX entry_time ON entry (tenant, time, gateway, epoch, seq);
  IF is_hyper THEN
    PERFORM create_hypertable('central.reading', by_range('time', interval '1 day'), create_default_indexes => false);
    PERFORM create_hypertable('central.entry', by_range('time', interval '7 days'), create_default_indexes => false);
    PERFORM create_hypertable('central.rollup_minute', by_range('time', interval '7 days'), create_default_indexes => false);
    PERFORM create_hypertable('central.rollup_hour', by_range('time', interval '91 days'), create_default_indexes => false);
  END IF;
END $do$;
`

/** Tables of tenants' data that the first version had. */
const FIRST_TENANT_TABLES = [
  'api_key',
  'audit',
  'document',
  'gateway',
  'configuration_offer',
  'factory',
  'machine',
  'sensor',
  'latest',
  'position',
  'stale_rollup',
  'alarm',
  'alert',
  'reading',
  'rollup_minute',
  'rollup_hour',
  'entry',
] as const

/** Tables of tenants' data. */
export const TENANT_TABLES: readonly string[] = [...FIRST_TENANT_TABLES, 'plan_question']

function secured(table: string): string {
  return `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY; ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;
    CREATE POLICY of_tenant ON ${table} USING (tenant = ${TENANT}) WITH CHECK (tenant = ${TENANT});`
}

const SECURITY = FIRST_TENANT_TABLES.map(secured).join('\n')

/** A key is also found by who has it, and the tenants by the platform. */
const MORE_SECURITY = `
CREATE POLICY of_holder ON api_key FOR SELECT USING (hash = (SELECT decode(current_setting('telemetryx.key', true), 'hex')));
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY; ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
CREATE POLICY of_platform ON tenant USING (${IS_PLATFORM}) WITH CHECK (${IS_PLATFORM});
CREATE POLICY of_tenant ON tenant USING (number = ${TENANT});
`

/** What engineers want to know of a configuration before they offer it, and what a gateway has said. */
const PLANS = `
ALTER TABLE gateway ADD COLUMN asked_at timestamptz, ADD COLUMN can_plan boolean;
ALTER TABLE configuration_offer ADD COLUMN base text; -- the gateway's configuration that it was planned against
CREATE TABLE plan_question (
  tenant int NOT NULL, gateway int NOT NULL REFERENCES gateway, number int NOT NULL,
  text text NOT NULL, by text NOT NULL, asked_at timestamptz NOT NULL,
  answered_at timestamptz, base text, answer jsonb,
  PRIMARY KEY (gateway, number)
);
${secured('plan_question')}
`

export const MIGRATIONS: readonly Migration[] = [
  { id: 1, name: 'tables', sql: TABLES },
  { id: 2, name: 'time tables', sql: TIME_TABLES },
  { id: 3, name: 'row-level security', sql: SECURITY + MORE_SECURITY },
  { id: 4, name: 'plans before an offer', sql: PLANS },
]
