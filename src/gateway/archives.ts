// Backups and support bundles for the API. Each is made by the command of the same name in a process of its own with low priority:
// copying a database is no work for the process that polls machines.

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { Archive, ArchiveKind, Archives } from '#domain/archives.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { History } from '#domain/history.ts'
import { PACKAGE_ROOT } from './version.ts'

const run = promisify(execFile)

/** A copy of the database, and the archive of it. */
const COPIES = 2
const PREFIX = 'archive-'
const SPARE_BYTES = 64 * 1024 * 1024

export interface CommandArchivesOptions {
  readonly dataDir: string
  /** null: none is known. */
  readonly configFile: string | null
  readonly history: Pick<History, 'status'>
}

export class CommandArchives implements Archives {
  readonly #options: CommandArchivesOptions
  #isBusy = false
  /** Names of folders in use. */
  readonly #folders = new Set<string>()

  constructor(options: CommandArchivesOptions) {
    this.#options = options
  }

  async make(kind: ArchiveKind, signal: AbortSignal): Promise<Archive> {
    if (this.#isBusy) throw new TelemetryError('CONFLICT', 'An archive is being made already; wait until it is done')
    this.#isBusy = true
    try {
      return await this.#make(kind, signal)
    } finally {
      this.#isBusy = false
    }
  }

  async #make(kind: ArchiveKind, signal: AbortSignal): Promise<Archive> {
    const { dataDir, configFile } = this.#options
    await this.#removeLeftOvers()
    await this.#refuseWithoutRoom(kind)
    // In the data folder: the system's folder for temporary files may be memory.
    const folder = await mkdtemp(join(dataDir, PREFIX)).catch((error: unknown) => {
      throw toTelemetryError(error, 'STORE_IO', { context: { dataDir } })
    })
    this.#folders.add(basename(folder))
    const remove = async (): Promise<void> => {
      this.#folders.delete(basename(folder))
      await rm(folder, { recursive: true, force: true }).catch(() => {})
    }
    const path = join(folder, kind === 'backup' ? 'backup.tar' : 'support.tgz')
    const config = configFile === null ? [] : ['-c', configFile]
    const command = [join(PACKAGE_ROOT, 'bin', 'telemetryx'), kind, path, '--data', dataDir, ...config]
    try {
      await run(process.execPath, command, { signal, env: { ...process.env, TELEMETRYX_TOKEN: '' } })
      return { path, bytes: (await stat(path)).size, remove }
    } catch (error) {
      await remove()
      if (signal.aborted) throw new TelemetryError('ABORTED', 'Nobody waits for the archive any more', { cause: error })
      throw new TelemetryError('STORE_IO', `The ${kind} could not be made: ${lastLine(error)}`, { cause: error })
    }
  }

  /** Of a run that ended before it could do so itself. */
  async #removeLeftOvers(): Promise<void> {
    const { dataDir } = this.#options
    for (const name of await readdir(dataDir))
      if (name.startsWith(PREFIX) && !this.#folders.has(name))
        await rm(join(dataDir, name), { recursive: true, force: true }).catch(() => {})
  }

  async #refuseWithoutRoom(kind: ArchiveKind): Promise<void> {
    const { dataDir, history } = this.#options
    const { bavail, bsize } = await statfs(dataDir)
    const needed = (kind === 'backup' ? COPIES * history.status().bytes : 0) + SPARE_BYTES
    if (bavail * bsize >= needed) return
    const message = `The disk has no room for it: ${Math.ceil(needed / 2 ** 20)} MiB are needed; use telemetryx ${kind} with a file elsewhere`
    throw new TelemetryError('STORE_FULL', message)
  }
}

/** What the command said last; it hides secrets by itself. */
function lastLine(error: unknown): string {
  const said = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : ''
  return said.trimEnd().split('\n').at(-1) || 'the command failed'
}
