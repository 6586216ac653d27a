// The query thread's connection to the database, which cannot write, and what it keeps decoded. The store may begin the
// database anew under the same name: queries that still run keep the old one open, later ones get the new one.

import Database, { type Statement } from 'better-sqlite3'
import { join } from 'node:path'
import { BlockCache } from './block-cache.ts'
import { BlockCodec } from './block-codec.ts'
import { corrupt } from './bytes.ts'
import { EntryTable } from './entry-table.ts'
import { DATABASE_FILE } from './open-database.ts'
import { QueryView } from './query-view.ts'
import { SENSORS } from './segments.ts'
import { SeriesCache } from './series-cache.ts'
import { partsOf, segmentsOf, type Sight } from './sight.ts'
import type { Steps } from './turns.ts'

const CACHE_KIB = 1024 // what is read is kept decoded, not as pages
const BUSY_MS = 5000

type Blob = Statement<[number], { data: Buffer }>

class QueryFile {
  readonly #db: Database.Database
  readonly #chunk: Blob
  readonly #block: Blob
  readonly #codec = new BlockCodec()
  readonly #seriesCache = new SeriesCache()
  #blocks = new BlockCache()
  #stamping = 0
  #running = 0
  #isRetired = false
  readonly entries: EntryTable

  constructor(path: string) {
    this.#db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS })
    this.#db.pragma(`cache_size = -${CACHE_KIB}`)
    this.#chunk = this.#db.prepare('SELECT data FROM chunk WHERE id = ?')
    this.#block = this.#db.prepare('SELECT data FROM journal WHERE block = ?')
    this.entries = new EntryTable(this.#db)
  }

  begin(sight: Sight, onDamage: (what: string, error: unknown) => void): QueryView {
    this.#running += 1
    if (sight.stamping !== this.#stamping) this.#blocks = new BlockCache()
    this.#stamping = sight.stamping
    const blocks = this.#blocks
    const parts = partsOf(sight)
    const first = parts.find(({ block }) => block !== null)
    blocks.forgetBefore(first?.block ?? Number.POSITIVE_INFINITY)
    const types = new Map(sight.sensors.map(({ number, valueType }) => [number, valueType]))
    return new QueryView({
      sensors: { numbersOf: () => [...types.keys()], valueType: (number) => types.get(number) ?? 'number' },
      segments: segmentsOf(sight.segments),
      parts,
      chunk: (segment, sensor) => this.#chunk.get(segment * SENSORS + sensor)?.data ?? null,
      block: (block) => blocks.get(block, () => this.#codec.decode(this.#data(block))),
      seriesCache: this.#seriesCache,
      onDamage,
    })
  }

  end(): void {
    this.#running -= 1
    if (this.#isRetired && this.#running === 0) this.#db.close()
  }

  /** Closes the file once no query reads it any more. */
  retire(): void {
    this.#isRetired = true
    if (this.#running === 0) this.#db.close()
  }

  #data(block: number): Uint8Array {
    const row = this.#block.get(block)
    if (!row) throw corrupt('A journal block is missing')
    return row.data
  }
}

export class QueryFiles {
  readonly #path: string
  readonly #onDamage: (what: string, error: unknown) => void
  #current: { readonly file: QueryFile; readonly number: number } | null = null

  constructor(dataDir: string, onDamage: (what: string, error: unknown) => void) {
    this.#path = join(dataDir, DATABASE_FILE)
    this.#onDamage = onDamage
  }

  /** Runs a query over what a sight names. Throws STORE_IO when the database cannot be opened. */
  *using<T>(sight: Sight, run: (view: QueryView) => Steps<T>): Steps<T> {
    const file = this.#at(sight)
    const view = file.begin(sight, this.#onDamage)
    try {
      return yield* run(view)
    } finally {
      file.end()
    }
  }

  entries(sight: Sight): EntryTable {
    return this.#at(sight).entries
  }

  close(): void {
    this.#current?.file.retire()
    this.#current = null
  }

  #at({ file: number }: Sight): QueryFile {
    if (this.#current?.number === number) return this.#current.file
    this.close()
    const file = new QueryFile(this.#path)
    this.#current = { file, number }
    return file
  }
}
