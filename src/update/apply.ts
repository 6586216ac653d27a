// The steps of an update. A power cut between any two of them leaves a program that starts: the slot that runs is never written
// to, `current` changes by one rename, and before it does there is a note of what comes back.

import { execFile } from 'node:child_process'
import type { KeyObject } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { TelemetryError } from '#domain/errors.ts'
import { syncFolder } from '#kit/replace-file.ts'
import { download, extract, fetchManifest } from './fetch.ts'
import { offerOf, verifiedRelease, type Release, type ReleaseFile } from './manifest.ts'
import {
  beginTrial,
  currentSlot,
  endTrial,
  memoryOf,
  otherSlot,
  remember,
  switchTo,
  trialOf,
  versionIn,
  type Slot,
} from './slots.ts'

const run = promisify(execFile)

export interface UpdateOptions {
  readonly root: string
  /** Of the manifest. */
  readonly url: string
  readonly key: KeyObject
  /** `x64`, `arm64`. */
  readonly architecture: string
  /** Unix milliseconds. */
  readonly now: number
  /** Try a version that failed here before. */
  readonly again?: boolean
}

export interface Offer {
  readonly installed: string
  readonly release: Release
  /** null: there is nothing newer. */
  readonly file: ReleaseFile | null
}

/** Throws CONNECTION_FAILED, REJECTED. What a manifest that may be believed says is remembered. */
export async function checkForUpdate({ root, url, key, architecture, now, again }: UpdateOptions): Promise<Offer> {
  const slot = currentSlot(root)
  const installed = slot === null ? null : await versionIn(join(root, slot))
  if (installed === null) throw new TelemetryError('USAGE', `${root} has no program that runs`)
  const release = verifiedRelease(await fetchManifest(url), key)
  const memory = await memoryOf(root)
  const believed = again
    ? { ...memory, failed: memory.failed.filter((version) => version !== release.version) }
    : memory
  const file = offerOf(release, { version: installed, architecture, memory: believed, now })
  const revoked = [...new Set([...memory.revoked, ...release.revoked])]
  await remember(root, { ...believed, sequence: release.sequence, revoked })
  return { installed, release, file }
}

export interface ApplyOptions extends UpdateOptions {
  /** Starts the program that `current` names, in place of the one that runs. */
  readonly restart: () => Promise<void>
  /** Resolves with whether that version becomes healthy in time. */
  readonly becomesHealthy: (version: string) => Promise<boolean>
  /** Arguments with which the new program must end well before it is started: that it takes the configuration. */
  readonly trials: readonly (readonly string[])[]
  readonly onProgress: (bytes: number, of: number) => void
  /** Before each step. */
  readonly onStep: (step: string) => void
}

export interface Applied {
  readonly from: string
  readonly to: string
  readonly outcome: 'upToDate' | 'updated' | 'takenBack'
}

/** Throws CONNECTION_FAILED, REJECTED; nothing has changed then. */
export async function applyUpdate(options: ApplyOptions): Promise<Applied> {
  const { root, onStep } = options
  await settle(options)
  onStep('check')
  const { installed, release, file } = await checkForUpdate(options)
  const { version } = release
  if (file === null) return { from: installed, to: installed, outcome: 'upToDate' }
  const from = currentSlot(root)!
  const to = otherSlot(from)
  await stage(options, { file, version, to })
  onStep('note what comes back')
  await beginTrial(root, { from, version })
  onStep('switch')
  await switchTo(root, to)
  const isHealthy = await settle(options)
  return { from: installed, to: version, outcome: isHealthy === false ? 'takenBack' : 'updated' }
}

async function stage(
  { root, url, trials, onProgress, onStep }: ApplyOptions,
  { file, version, to }: { readonly file: ReleaseFile; readonly version: string; readonly to: Slot },
): Promise<void> {
  const archive = join(root, 'download.partial')
  const staged = join(root, `${to}.partial`)
  try {
    onStep('download')
    await download({ base: url, file, to: archive, onProgress })
    onStep('unpack')
    await extract(archive, staged)
    onStep('try')
    if ((await versionIn(staged)) !== version)
      throw new TelemetryError('REJECTED', `The release holds another version than ${version}`)
    for (const trial of [['version'], ...trials]) await tryOut(staged, trial)
    onStep('empty the other slot')
    await rm(join(root, to), { recursive: true, force: true })
    onStep('fill the other slot')
    await rename(staged, join(root, to))
    await syncFolder(root)
  } finally {
    await rm(archive, { force: true })
    await rm(staged, { recursive: true, force: true })
  }
}

/** The new program, before it replaces anything. Throws REJECTED. */
async function tryOut(folder: string, args: readonly string[]): Promise<void> {
  const node = join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
  try {
    await run(node, [join(folder, 'bin', 'telemetryx'), ...args], { timeout: 120_000 })
  } catch (error) {
    const said =
      String((error as { stdout?: string }).stdout ?? '') + String((error as { stderr?: string }).stderr ?? '')
    throw new TelemetryError(
      'REJECTED',
      `The new version fails at "telemetryx ${args.join(' ')}": ${said.trim().slice(0, 500)}`,
      {
        cause: error,
      },
    )
  }
}

export type SettleOptions = Pick<ApplyOptions, 'root' | 'restart' | 'becomesHealthy' | 'onStep'> & {
  /** The program runs already: after a start of the machine. */
  readonly isStarted?: boolean
}

/** Ends a trial, be it that of a run that was cut off: keeps the new version, or brings the old one back. null: there is none. */
export async function settle({
  root,
  restart,
  becomesHealthy,
  onStep,
  isStarted,
}: SettleOptions): Promise<boolean | null> {
  const trial = await trialOf(root)
  if (trial === null) return null
  const { from, version } = trial
  if (currentSlot(root) === from) {
    // It was cut off before the switch, or when the version before was back already and perhaps not started.
    const { failed } = await memoryOf(root)
    if (failed.includes(version) && isStarted !== true) await restart()
    onStep('end the trial')
    await endTrial(root)
    return null
  }
  onStep('start the new version')
  if (isStarted !== true) await restart().catch(() => {})
  onStep('wait until it is healthy')
  const isHealthy = await becomesHealthy(version)
  if (!isHealthy) {
    onStep('remember that it failed')
    const memory = await memoryOf(root)
    await remember(root, { ...memory, failed: [...new Set([...memory.failed, version])] })
    onStep('switch back')
    await switchTo(root, from)
    onStep('start the old version')
    await restart()
  }
  onStep('end the trial')
  await endTrial(root)
  return isHealthy
}

/** Goes back to the other slot by command. Throws CONFLICT when there is nothing in it. */
export async function rollBack({
  root,
  restart,
  onStep,
}: Pick<ApplyOptions, 'root' | 'restart' | 'onStep'>): Promise<Applied> {
  const slot = currentSlot(root)!
  const [from, to] = [await versionIn(join(root, slot)), await versionIn(join(root, otherSlot(slot)))]
  if (from === null || to === null)
    throw new TelemetryError('CONFLICT', `There is no other version in ${root} to go back to`)
  onStep('switch back')
  await switchTo(root, otherSlot(slot))
  await endTrial(root)
  onStep('start the old version')
  await restart()
  return { from, to, outcome: 'takenBack' }
}
