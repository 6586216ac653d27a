// The configuration file on disk, and the files that it names: how they stand to what is in force, and replacing them.

import { readFileSync } from 'node:fs'
import { access, constants, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { NamedFile } from '#config/load.ts'
import { decodeText } from '#config/read-text.ts'
import { ioReason } from '#config/io-reason.ts'
import type { PresentConfiguration } from '#domain/configuration.ts'
import { TelemetryError } from '#domain/errors.ts'
import { replaceFile } from '#kit/replace-file.ts'

export type FileState = PresentConfiguration['fileState']

/** A file that does not exist yet gets these permission bits: it may hold passwords. */
const NEW_MODE = 0o640

/** Text of a file; null when there is none. Throws CONFIG_UNREADABLE. */
export function textOnDisk(path: string): string | null {
  try {
    return decodeText(readFileSync(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new TelemetryError('CONFIG_UNREADABLE', `${path} cannot be read: ${ioReason(error)}`, { cause: error })
  }
}

/** How what is on disk stands to these files. */
export function stateOnDisk(files: readonly NamedFile[]): FileState {
  try {
    const texts = files.map(({ path }) => textOnDisk(path))
    if (texts.includes(null)) return 'missing'
    return files.every(({ text }, index) => texts[index] === text) ? 'same' : 'changed'
  } catch {
    return 'unreadable'
  }
}

/** Throws CONFLICT when the file holds none of the known texts: what somebody else wrote must not be overwritten. */
export function refuseForeignEdit(file: string, known: readonly string[]): void {
  const text = textOnDisk(file)
  if (text === null || known.includes(text)) return
  throw new TelemetryError(
    'CONFLICT',
    `${file} was changed on disk and not taken up: take it up (SIGHUP, or telemetryx apply) or undo that change first`,
  )
}

/** Replaces those files whose text on disk is another. Throws CONFIG_NOT_WRITABLE before it has changed any. */
export async function writeFiles(files: readonly NamedFile[]): Promise<void> {
  const stale = files.filter(({ path, text }) => textOnDisk(path) !== text)
  const targets = await Promise.all(stale.map(async ({ path, text }) => ({ text, ...(await writable(path)) })))
  for (const { path, text, mode, owner } of targets) {
    try {
      await replaceFile(path, text, owner ? { mode, owner } : { mode })
    } catch (error) {
      throw notWritable(path, ioReason(error), error)
    }
  }
}

interface Target {
  /** Where the file is, links followed: a link stays one. */
  readonly path: string
  readonly mode: number
  readonly owner: { readonly uid: number; readonly gid: number } | null
}

async function writable(named: string): Promise<Target> {
  try {
    const path = await realpath(named).catch(() => named)
    await access(dirname(path), constants.W_OK)
    const state = await stat(path).catch(() => null)
    if (state === null) return { path, mode: NEW_MODE, owner: null }
    if ((state.mode & 0o222) === 0) throw notWritable(named, 'it is read-only')
    await access(path, constants.W_OK)
    return { path, mode: state.mode & 0o7777, owner: { uid: state.uid, gid: state.gid } }
  } catch (error) {
    if (error instanceof TelemetryError) throw error
    throw notWritable(named, ioReason(error), error)
  }
}

function notWritable(path: string, reason: string, cause?: unknown): TelemetryError {
  return new TelemetryError('CONFIG_NOT_WRITABLE', `${path} cannot be written: ${reason}`, { context: { path }, cause })
}
