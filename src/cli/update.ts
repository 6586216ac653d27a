// `telemetryx update`: another version from a signed release, into the slot that does not run, and back when it does not work.

import type { Command } from 'commander'
import { join } from 'node:path'
import { isTelemetryError } from '#domain/errors.ts'
import { LocalGateway } from '#gateway/local-gateway.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { applyUpdate, checkForUpdate, rollBack, settle, type Applied } from '#update/apply.ts'
import { becomesHealthy, restartBy } from '#update/service.ts'
import { updateSettings, type UpdateSettings } from '#update/settings.ts'
import { currentSlot, installationRoot, locked, memoryOf, trialOf, versionIn } from '#update/slots.ts'
import { progressBar, progressLine } from './progress-line.ts'

const EXIT_FAILED = 1

interface UpdateCommandOptions {
  readonly root?: string
  readonly json?: true
  readonly again?: true
}

export function registerUpdate(program: Command): void {
  const update = program
    .command('update')
    .summary('install another version from a signed release')
    .description(
      'For installations with two slots; Debian packages are updated by apt. Releases are signed with Ed25519, and the key, the address and ' +
        'what is restarted stand in update.yaml beside the slots.',
    )
  const command = (name: string, summary: string, description: string): Command =>
    update
      .command(name)
      .summary(summary)
      .description(description)
      .option('--root <dir>', 'folder with the slots (default: that of this program)')
      .option('--json', 'print the result as JSON')
  command(
    'check',
    'is there a newer version',
    'Fetches the manifest, checks its signature, and tells what it offers. Installs nothing.',
  )
    .addHelpText('after', '\nExample:\n  telemetryx update check')
    .action(check)
  command(
    'apply',
    'install it',
    'Downloads the new version into the other slot, tries it, switches to it, restarts the gateway and waits until it is healthy; else the old version comes back. ' +
      'Exits with 1 when it came back.',
  )
    .option('--again', 'try a version that did not become healthy before')
    .addHelpText('after', '\nExample:\n  sudo telemetryx update apply')
    .action(apply)
  command('rollback', 'go back to the version before', 'Switches to the other slot and restarts the gateway.')
    .addHelpText('after', '\nExample:\n  sudo telemetryx update rollback')
    .action(goBack)
  command(
    'status',
    'which version is in which slot',
    'Tells the versions in both slots, which one runs, and whether it is on trial.',
  )
    .addHelpText('after', '\nExample:\n  telemetryx update status')
    .action(status)
  command(
    'settle',
    'end the trial of a version',
    'For the service, after each start: keeps a version on trial that is healthy. Exits with 1 when the old version is back and is to be started.',
  )
    .addHelpText('after', '\nExample:\n  telemetryx update settle --root /opt/telemetryx')
    .action(settleStarted)
}

function prepared(options: UpdateCommandOptions): { root: string; settings: UpdateSettings } {
  const root = installationRoot(PACKAGE_ROOT, options.root)
  return { root, settings: updateSettings(join(root, 'update.yaml')) }
}

function source({ root, settings }: { root: string; settings: UpdateSettings }) {
  return { root, url: settings.url, key: settings.key, architecture: process.arch, now: Date.now() }
}

function life({ data, restart, healthyWithin }: UpdateSettings) {
  return {
    restart: () => restartBy(restart),
    becomesHealthy: (version: string) =>
      becomesHealthy((path, timeoutMs) => new LocalGateway(data).get(path, timeoutMs), version, healthyWithin),
  }
}

async function check(options: UpdateCommandOptions): Promise<void> {
  const all = prepared(options)
  const { installed, release, file } = await locked(all.root, () => checkForUpdate(source(all)))
  const { version, publishedAt } = release
  if (options.json)
    console.log(
      JSON.stringify({ installed, offered: version, isNewer: file !== null, publishedAt, size: file?.size ?? null }),
    )
  else if (file === null) console.log(`${installed} is installed, and there is nothing newer`)
  else
    console.log(`${installed} is installed; ${version} of ${publishedAt.slice(0, 10)} can be: telemetryx update apply`)
}

async function apply(options: UpdateCommandOptions): Promise<void> {
  const all = prepared(options)
  const { settings, root } = all
  const progress = progressLine()
  const told = (step: string): void => (options.json ? undefined : console.error(step))
  const applied = await locked(root, () =>
    applyUpdate({
      ...source(all),
      ...life(settings),
      again: options.again === true,
      trials: settings.config === undefined ? [] : [['check', settings.config]],
      onProgress: (bytes, of) => progress.show(() => `downloading ${progressBar(bytes, of)}`),
      onStep: (step) => {
        progress.clear()
        told(step)
      },
    }),
  ).finally(() => progress.clear())
  tell(applied, options)
}

async function goBack(options: UpdateCommandOptions): Promise<void> {
  const { root, settings } = prepared(options)
  tell(await locked(root, () => rollBack({ root, ...life(settings), onStep: () => {} })), options, true)
}

function tell(applied: Applied, options: UpdateCommandOptions, isWanted = false): void {
  const { from, to, outcome } = applied
  if (options.json) console.log(JSON.stringify(applied))
  else if (outcome === 'upToDate') console.log(`${from} is installed, and there is nothing newer`)
  else if (outcome === 'updated') console.log(`${to} runs, in place of ${from}`)
  else if (isWanted) console.log(`${to} is back, in place of ${from}`)
  else console.log(`${to} did not become healthy: ${from} is back`)
  if (outcome === 'takenBack' && !isWanted) process.exitCode = EXIT_FAILED
}

async function status(options: UpdateCommandOptions): Promise<void> {
  const root = installationRoot(PACKAGE_ROOT, options.root)
  const [current, a, b] = [currentSlot(root), await versionIn(join(root, 'a')), await versionIn(join(root, 'b'))]
  const [trial, memory] = [await trialOf(root), await memoryOf(root)]
  if (options.json) {
    console.log(JSON.stringify({ root, current, slots: { a, b }, trial, failed: memory.failed }))
    return
  }
  for (const [slot, version] of Object.entries({ a, b }))
    console.log(`${slot}: ${version ?? 'empty'}${slot === current ? ' (current)' : ''}`)
  if (trial !== null)
    console.log(`${trial.version} is on trial, with ${trial.startsLeft} starts left; else ${trial.from} comes back`)
  for (const version of memory.failed) console.log(`${version} did not become healthy here`)
}

async function settleStarted(options: UpdateCommandOptions): Promise<void> {
  const { root, settings } = prepared(options)
  if ((await trialOf(root)) === null) return
  try {
    const { becomesHealthy: wait } = life(settings)
    const kept = await locked(root, () =>
      settle({ root, becomesHealthy: wait, restart: async () => {}, onStep: () => {}, isStarted: true }),
    )
    if (options.json) console.log(JSON.stringify({ kept }))
    if (kept === false) process.exitCode = EXIT_FAILED
  } catch (error) {
    // The update that runs waits for this very start.
    if (!isTelemetryError(error, 'CONFLICT')) throw error
  }
}
