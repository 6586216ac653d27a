// The thread of PGlite: statements in, rows out, one after the other.

import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { parseInt8, parseTime, TypeId } from './database-values.ts'

export interface PgliteAsk {
  readonly id: number
  /** null: close, and end. */
  readonly text: string | null
  readonly values: readonly (string | Uint8Array | null)[] | null
}

export interface PgliteAnswer {
  readonly id: number
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly error?: { readonly message: string; readonly code: string; readonly constraint?: string }
}

const port = parentPort!

/** Parameters come as text or bytes already: PGlite's own conversions, by type, are put out of the way. */
const AS_IT_IS = (value: unknown): string => value as string // or bytes, which PGlite passes on too
const serializers = Object.fromEntries(
  [
    16, 17, 18, 20, 21, 23, 25, 26, 114, 199, 700, 701, 1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022,
    1028, 1042, 1043, 1082, 1083, 1114, 1115, 1182, 1184, 1185, 1186, 1187, 1231, 1266, 1700, 2950, 2951, 3802, 3807,
    3926, 4536, 6157,
  ].map((id) => [id, AS_IT_IS]),
)
const parsers = { [TypeId.int8]: parseInt8, [TypeId.timestamptz]: parseTime }

async function main(): Promise<void> {
  const database = await PGlite.create({ dataDir: workerData as string, serializers, parsers })
  await database.exec('SET TIME ZONE UTC')
  let turn: Promise<void> = Promise.resolve()
  port.on('message', (ask: PgliteAsk) => {
    turn = turn.then(() => answer(database, ask))
  })
}

async function answer(database: PGlite, { id, text, values }: PgliteAsk): Promise<void> {
  if (text === null) {
    await database.close()
    port.close()
    return
  }
  try {
    const result = values === null ? (await database.exec(text)).at(-1) : await database.query(text, [...values])
    port.postMessage({ id, rows: (result?.rows ?? []) as PgliteAnswer['rows'] } satisfies PgliteAnswer)
  } catch (cause) {
    port.postMessage({ id, rows: [], error: errorOf(cause) } satisfies PgliteAnswer)
  }
}

function errorOf(cause: unknown): NonNullable<PgliteAnswer['error']> {
  const { code, constraint } = cause as { code?: string; constraint?: string } // PGlite: as PostgreSQL's protocol has them
  const message = cause instanceof Error ? cause.message : String(cause)
  return { message, code: code ?? 'XX000', ...(constraint === undefined ? {} : { constraint }) }
}

await main()
