// The stored history as tables for plain SQL: a database in memory whose virtual tables read a data folder, batch by batch.
// Only queries are let through: nothing can be written, and no other file can be opened.
//
//   sensors(sensor, value_type, unit)             one row for each id
//   readings(sensor, time, value, quality, status, received_at)
//   rollups_minute, rollups_hour(sensor, time, count, min, max, mean, last)
//   alarms, events                                one row for each change of an alarm, for each event
//   readings_of(sensors [, from [, to]]), minutes_of(…), hours_of(…)      the same for ids or patterns and a range of time
//
// readings and the rollups are views: each is sensors joined with its function, so that a condition on `sensor` decides
// which sensors are read at all. SQLite cannot hand a condition on `time` down to a virtual table of this library: the
// functions, and the range of the whole session, are for that.

import Database from 'better-sqlite3'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import type { StoredEntry } from '#domain/history.ts'
import { qualityOf, statusName } from '#domain/quality.ts'
import { sensorPattern } from '#domain/sensor-pattern.ts'
import type { Value } from '#domain/value.ts'
import { IsoTimes } from './export-format.ts'
import type { HistoryReader, StoredSensor, TimeSpan } from './export-reader.ts'
import { seriesValue } from './numeric-values.ts'
import { HOUR_MS, MINUTE_MS } from './rollup.ts'

/** As SQLite gives it; INTEGER is a bigint. */
export type SqlValue = number | bigint | string | Buffer | null

export interface SqlOptions {
  readonly reader: HistoryReader
  /** Engineering units by full sensor id. */
  readonly units: ReadonlyMap<string, string>
  /** What the tables show unless a function says otherwise. */
  readonly span: TimeSpan
  /** Unix milliseconds of a time that a query names. Throws USAGE. */
  readonly parseTime: (text: string) => number
}

export interface SqlResult {
  readonly columns: readonly string[]
  readonly rows: Iterable<readonly SqlValue[]>
}

const READING = ['time', 'value', 'quality', 'status', 'received_at']
const BUCKET = ['time', 'count', 'min', 'max', 'mean', 'last']
const ALARM = (
  'time sensor change check_id check_type level severity active acknowledged message finding ' +
  'raised_at cleared_at acknowledged_at acknowledged_by changed_by comment id epoch seq'
).split(' ')
const EVENT = ['time', 'type', 'severity', 'source', 'message', 'data', 'epoch', 'seq']
const MAX_INTEGER = 2n ** 63n - 1n

/** What a query can ask, for `.tables` and for people. */
export const SQL_TABLES: readonly string[] = [
  'sensors(sensor, value_type, unit)',
  `readings(sensor, ${READING.join(', ')})`,
  `rollups_minute(sensor, ${BUCKET.join(', ')})`,
  `rollups_hour(sensor, ${BUCKET.join(', ')})`,
  `alarms(${ALARM.join(', ')})`,
  `events(${EVENT.join(', ')})`,
  "readings_of('press-*.power', '-1h', 'now')    as readings, only these sensors and times; end and begin may be left out",
  "minutes_of('press-1.power', '-1d')            as rollups_minute",
  "hours_of('press-1.power', '-1y')              as rollups_hour",
]

export class SqlHistory {
  readonly #db = new Database(':memory:')
  readonly #options: SqlOptions
  readonly #iso = new IsoTimes()

  constructor(options: SqlOptions) {
    this.#options = options
    this.#defineSensors()
    this.#defineFunction('readings_of', READING, 'readings', (sensor, span) => this.#readings(sensor, span))
    this.#defineFunction('minutes_of', BUCKET, 'rollups_minute', (sensor, span) =>
      this.#buckets(sensor, span, MINUTE_MS),
    )
    this.#defineFunction('hours_of', BUCKET, 'rollups_hour', (sensor, span) => this.#buckets(sensor, span, HOUR_MS))
    this.#defineEntries()
  }

  /** One query. Rows come as they are found. Throws USAGE: no query, or one that SQLite does not understand. */
  query(sql: string): SqlResult {
    try {
      const statement = this.#db.prepare<[], SqlValue[]>(sql)
      if (!statement.reader || !statement.readonly)
        throw new TelemetryError('USAGE', 'Only queries are possible here: the history cannot be changed by SQL')
      const columns = statement.columns().map(({ name }) => name)
      return { columns, rows: translated(statement.raw().safeIntegers().iterate()) }
    } catch (error) {
      throw usageError(error)
    }
  }

  close(): void {
    this.#db.close()
  }

  #defineSensors(): void {
    const { reader, units } = this.#options
    this.#db.table('sensors', {
      columns: ['sensor', 'value_type', 'unit'],
      *rows() {
        // An id whose kind of value was changed stands here once, with its present kind.
        const ids = new Map(reader.sensors().map(({ id, valueType }) => [id, valueType]))
        for (const [id, valueType] of ids) yield [id, valueType, units.get(id) ?? '']
      },
    })
  }

  #defineFunction(
    name: string,
    columns: readonly string[],
    view: string,
    rows: (sensor: StoredSensor, span: TimeSpan) => Generator<SqlValue[]>,
  ): void {
    const chosen = (of: unknown): StoredSensor[] => this.#sensors(of)
    const spanOf = (from: unknown, to: unknown): TimeSpan => this.#span(from, to)
    this.#db.table(name, {
      parameters: ['of_sensors', 'from_time', 'to_time'],
      columns: ['sensor', ...columns],
      *rows(of: unknown, from: unknown, to: unknown) {
        const span = spanOf(from, to)
        for (const sensor of chosen(of)) yield* rows(sensor, span)
      },
    })
    this.#db.exec(
      `CREATE VIEW ${view} AS SELECT s.sensor, ${columns.map((column) => `r."${column}"`).join(', ')} ` +
        `FROM sensors AS s CROSS JOIN ${name}(s.sensor) AS r`,
    )
  }

  #defineEntries(): void {
    const { reader, span } = this.#options
    const iso = (time: number | null): string | null => (time === null ? null : this.#iso.of(time))
    this.#db.table('alarms', {
      columns: ALARM,
      *rows() {
        for (const page of reader.entries('alarm', span)) for (const stored of page) yield* alarmRow(stored, iso)
      },
    })
    this.#db.table('events', {
      columns: EVENT,
      *rows() {
        for (const page of reader.entries('event', span)) for (const stored of page) yield* eventRow(stored, iso)
      },
    })
  }

  #sensors(of: unknown): StoredSensor[] {
    const known = this.#options.reader.sensors()
    if (of === undefined || of === null) return [...known]
    const pattern = sensorPattern(argument(of))
    return known.filter(({ id }) => pattern.test(id))
  }

  #span(from: unknown, to: unknown): TimeSpan {
    const { span } = this.#options
    return { from: this.#time(from) ?? span.from, to: this.#time(to) ?? span.to }
  }

  #time(value: unknown): number | null {
    if (value === undefined || value === null) return null
    return typeof value === 'number' ? value : this.#options.parseTime(argument(value))
  }

  *#readings({ id, number, valueType }: StoredSensor, span: TimeSpan): Generator<SqlValue[]> {
    for (const batch of this.#options.reader.readings(number, span)) {
      for (let row = 0; row < batch.length; row++) {
        const status = batch.status[row]!
        const value = sqlValue(seriesValue(batch, row, valueType))
        const received = this.#iso.of(batch.receivedAt[row]!)
        yield [id, this.#iso.of(batch.timeAt(row)), value, qualityOf(status), statusName(status), received]
      }
    }
  }

  *#buckets({ id, valueType, number }: StoredSensor, span: TimeSpan, everyMs: number): Generator<SqlValue[]> {
    // Buckets are of an id over all its kinds of value: they come with the newest of them.
    const newest = this.#options.reader
      .sensors()
      .findLast((sensor) => sensor.id === id && sensor.valueType !== 'string')
    if (valueType === 'string' || newest?.number !== number) return
    for (const page of this.#options.reader.buckets(id, span, everyMs))
      for (const { time, count, min, max, mean, last } of page)
        yield [id, this.#iso.of(time), BigInt(count), min, max, mean, last]
  }
}

type Iso = (time: number | null) => string | null
type Row = Record<string, SqlValue>

function alarmRow({ entry, position }: StoredEntry, iso: Iso): Row[] {
  if (entry.kind !== 'alarm') return []
  const { change, by, comment, alarm } = entry
  return [
    {
      time: iso(entry.time),
      sensor: alarm.sensor,
      change,
      check_id: alarm.check,
      check_type: alarm.checkType,
      level: alarm.level,
      severity: alarm.severity,
      active: alarm.active ? 1n : 0n,
      acknowledged: alarm.acknowledged ? 1n : 0n,
      message: alarm.message,
      finding: JSON.stringify(alarm.finding),
      raised_at: iso(alarm.raisedAt),
      cleared_at: iso(alarm.clearedAt),
      acknowledged_at: iso(alarm.acknowledgedAt),
      acknowledged_by: alarm.acknowledgedBy,
      changed_by: by,
      comment,
      id: alarm.id,
      epoch: BigInt(position.epoch),
      seq: BigInt(position.seq),
    },
  ]
}

function eventRow({ entry, position }: StoredEntry, iso: Iso): Row[] {
  if (entry.kind !== 'event') return []
  const { type, severity, source, message, data } = entry
  return [
    {
      time: iso(entry.time),
      type,
      severity,
      source,
      message,
      data: data === undefined ? null : JSON.stringify(data),
      epoch: BigInt(position.epoch),
      seq: BigInt(position.seq),
    },
  ]
}

/** An argument of a table function as text. Throws USAGE for a blob. */
function argument(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw new TelemetryError('USAGE', 'SQL: sensors and times are given as text')
}

/** Booleans are 0 and 1; a uint64 that SQLite's INTEGER cannot hold is decimal text. */
function sqlValue(value: Value | null): SqlValue {
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'bigint' && value > MAX_INTEGER) return value.toString()
  return value
}

function* translated(rows: IterableIterator<SqlValue[]>): Generator<readonly SqlValue[]> {
  try {
    yield* rows
  } catch (error) {
    throw usageError(error)
  }
}

function usageError(error: unknown): TelemetryError {
  if (isTelemetryError(error)) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new TelemetryError('USAGE', `SQL: ${reason}`, { cause: error })
}
