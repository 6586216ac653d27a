// An installation with two slots, so that a version which does not work can be taken back:
//
//   a/ b/            each a whole program
//   current → a      what runs; switched by one rename
//   trial            `a 3 0.2.0`: version 0.2.0 is on trial, a is what comes back, after 3 more starts
//   taken-back       the same line, when `run` took the version back by itself
//   update.json      what is remembered of manifests
//   run              starts what `current` names, and counts the starts of a trial

import { existsSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { open, readFile, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { replaceFile, syncFolder } from '#kit/replace-file.ts'
import type { ReleaseMemory } from './manifest.ts'

export type Slot = 'a' | 'b'

export interface Trial {
  /** What comes back. */
  readonly from: Slot
  /** Starts that are left. */
  readonly startsLeft: number
  readonly version: string
}

/** Starts that a version may need, a crash of the machine among them. */
const TRIAL_STARTS = 3
const TRIAL = /^([ab]) (\d{1,3}) (\S{1,100})\n?$/

/** The installation whose slot `program` is, or the one at `named`. Throws USAGE for one without slots. */
export function installationRoot(program: string, named?: string): string {
  const folder = realpathSync(program)
  const root = named ?? dirname(folder)
  const isInSlot = named !== undefined || ['a', 'b'].includes(basename(folder))
  if (isInSlot && currentSlot(root) !== null) return root
  const hint = 'Debian packages are updated by apt; docs/update.md tells how to install with slots'
  throw new TelemetryError('USAGE', `${root} is no installation with slots a and b: ${hint}`)
}

/** null: there is no such link. */
export function currentSlot(root: string): Slot | null {
  try {
    const target = basename(readlinkSync(join(root, 'current')))
    return target === 'a' || target === 'b' ? target : null
  } catch {
    return null
  }
}

export function otherSlot(slot: Slot): Slot {
  return slot === 'a' ? 'b' : 'a'
}

/** The version in a slot; null: there is none that is whole. */
export async function versionIn(folder: string): Promise<string | null> {
  try {
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version?: unknown }
    return typeof version === 'string' ? version : null
  } catch {
    return null
  }
}

/** From one instant to the next `current` names the other slot; durable when it resolves. */
export async function switchTo(root: string, slot: Slot): Promise<void> {
  const made = join(root, 'current.new')
  await rm(made, { force: true })
  await symlink(slot, made)
  await rename(made, join(root, 'current'))
  await syncFolder(root)
}

export async function beginTrial(root: string, { from, version }: Pick<Trial, 'from' | 'version'>): Promise<void> {
  await replaceFile(join(root, 'trial'), `${from} ${TRIAL_STARTS} ${version}\n`, { mode: 0o644 })
}

export async function trialOf(root: string): Promise<Trial | null> {
  return readTrial(join(root, 'trial'))
}

export async function endTrial(root: string): Promise<void> {
  await rm(join(root, 'trial'), { force: true })
  await syncFolder(root)
}

async function readTrial(path: string): Promise<Trial | null> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const [, from, left, version] = TRIAL.exec(text) ?? []
  if (from === undefined || left === undefined || version === undefined) return null
  return { from: from as Slot, startsLeft: Number(left), version }
}

const NOTHING: ReleaseMemory = { sequence: 0, revoked: [], failed: [] }

/** What is remembered, with what `run` took back since. Throws STORE_CORRUPT: an old manifest must not be believed by accident. */
export async function memoryOf(root: string): Promise<ReleaseMemory> {
  const path = join(root, 'update.json')
  const takenBack = await readTrial(join(root, 'taken-back'))
  const failed = takenBack === null ? [] : [takenBack.version]
  if (!existsSync(path)) return { ...NOTHING, failed }
  try {
    const memory = JSON.parse(await readFile(path, 'utf8')) as ReleaseMemory
    if (!Number.isSafeInteger(memory.sequence)) throw new Error('it has no sequence')
    return { ...NOTHING, ...memory, failed: [...new Set([...memory.failed, ...failed])] }
  } catch (error) {
    throw new TelemetryError('STORE_CORRUPT', `${path} is damaged`, { cause: error })
  }
}

export async function remember(root: string, memory: ReleaseMemory): Promise<void> {
  await replaceFile(join(root, 'update.json'), `${JSON.stringify(memory, null, 2)}\n`, { mode: 0o644 })
  await rm(join(root, 'taken-back'), { force: true })
}

/** One update at a time. A lock whose process has ended, by a power cut too, is taken over. Throws CONFLICT, PERMISSION_DENIED, STORE_IO. */
export async function locked<T>(root: string, work: () => Promise<T>): Promise<T> {
  const path = join(root, 'update.lock')
  try {
    const holder = await readFile(path, 'utf8').catch(() => '')
    if (isHeld(holder)) throw new TelemetryError('CONFLICT', `Another update runs (process ${holder.split(' ', 1)[0]})`)
    await rm(path, { force: true })
    const file = await open(path, 'wx', 0o644)
    await file.writeFile(`${process.pid} ${startOf(process.pid)}`)
    await file.close()
    try {
      return await work()
    } finally {
      await rm(path, { force: true })
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM')
      throw new TelemetryError('PERMISSION_DENIED', `${root} cannot be written: run the command as root`, {
        cause: error,
      })
    throw toTelemetryError(error, code === 'ENOSPC' ? 'STORE_FULL' : 'STORE_IO', { context: { root } })
  }
}

function isHeld(holder: string): boolean {
  const [pid = '', start] = holder.split(' ')
  return Number(pid) > 0 && Number(pid) !== process.pid && startOf(Number(pid)) === start
}

/** When a process was started, in ticks since the machine was; empty: there is none. Numbers of processes are used again. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
