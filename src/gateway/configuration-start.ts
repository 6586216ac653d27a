// What the revisions say when a gateway starts: which one the file is, whether a change was broken off by a crash or a power
// cut, and whether a watch has to go on.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import { textOnDisk, writeFiles } from './configuration-file.ts'
import type { ConfigurationSource } from './configuration-reader.ts'
import { silentLogger } from '#kit/logger.ts'
import { contentHash, RevisionStore, type StoredRevision } from './revision-store.ts'
import { REVISIONS_FOLDER } from './data-files.ts'

const ENDED = 'the gateway ended before it was applied'

/** The revision that is in force from this start on, made where the file is none of them. Throws STORE_IO. */
export async function startRevision(
  revisions: RevisionStore,
  { loaded: { text, files } }: ConfigurationSource,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<StoredRevision> {
  const hash = contentHash(text, files)
  const newest = revisions.newest
  if (newest?.state === 'applying') {
    const { baseline } = await revisions.read(newest.number)
    const isInFile = newest.hash === hash
    log.warn({ revision: newest.number, isInFile }, 'A change of the configuration was broken off')
    // Whether it did any good nobody has seen: it is watched from now on.
    if (isInFile) return revisions.update(newest.number, { state: baseline === null ? 'kept' : 'watched' })
    await revisions.update(newest.number, { state: 'failed', reason: ENDED })
  }
  const inForce = revisions.heads().find(({ state }) => state === 'kept' || state === 'watched')
  if (inForce?.hash === hash) return revisions.read(inForce.number)
  if (inForce?.state === 'watched') await revisions.update(inForce.number, { state: 'replaced' })
  const time = clock.now()
  const common = { by: 'gateway', origin: 'start', comment: 'As the file was at the start', reason: null } as const
  return revisions.add({ ...common, time, hash, state: 'kept', text, files, baseline: null, goesBackTo: null })
}

/** See finishWriting; does nothing where there are no revisions. The gateway of the folder must not run. */
export async function finishInterrupted(dataDir: string, file: string): Promise<boolean> {
  const folder = join(dataDir, REVISIONS_FOLDER)
  if (!existsSync(folder)) return false
  return finishWriting(await RevisionStore.open(folder, () => Number.POSITIVE_INFINITY, silentLogger), file)
}

/**
 * A change of several files (the configuration and its sensors files) may have been broken off between two of them: then
 * the rest is written. True when something was. What somebody else edited meanwhile is left alone.
 */
export async function finishWriting(revisions: RevisionStore, file: string): Promise<boolean> {
  const newest = revisions.newest
  if (newest?.state !== 'applying') return false
  const change = await revisions.read(newest.number)
  const inForce = revisions.heads().find(({ state }) => state === 'kept' || state === 'watched')
  if (!inForce) return false
  const before = await revisions.read(inForce.number)
  const old = new Map([...before.files, { path: file, text: before.text }].map(({ path, text }) => [path, text]))
  const parts = [...change.files, { path: file, text: change.text }].map((part) => ({
    ...part,
    onDisk: textOnDisk(part.path),
  }))
  const isNew = parts.map(({ text, onDisk }) => text === onDisk)
  if (isNew.every(Boolean) || !isNew.some(Boolean)) return false
  const isOurs = parts.every(({ path, text, onDisk }) => onDisk === text || onDisk === (old.get(path) ?? null))
  if (isOurs) await writeFiles(parts)
  return isOurs
}
