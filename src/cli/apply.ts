// `telemetryx apply`: brings a configuration into the running gateway and waits whether it stays.

import type { Command } from 'commander'
import { setTimeout as delay } from 'node:timers/promises'
import { counted } from './config-file.ts'
import { EXIT_BAD } from './exit-codes.ts'
import type { LocalGateway } from '#gateway/local-gateway.ts'
import {
  planText,
  refuse,
  runningGatewayOf,
  withRunningGateway,
  type PlanAnswer,
  type PlanCommandOptions,
} from './plan.ts'
import { progressLine } from './progress-line.ts'

interface ApplyCommandOptions extends PlanCommandOptions {
  readonly comment?: string
  readonly wait: boolean
}

interface AppliedAnswer {
  readonly revision: number
  readonly isChanged: boolean
  readonly plan: PlanAnswer
  readonly watchedUntil: string | null
}

interface RevisionAnswer {
  readonly state: string
  readonly reason: string | null
}

const LOOK_MS = 1000

export function registerApply(program: Command): void {
  withRunningGateway(
    program
      .command('apply')
      .summary('bring a configuration into the running gateway')
      .description(
        'Applies a configuration to the running gateway: all of it or nothing, and only what has changed restarts. The gateway keeps it ' +
          'in its own file, and takes it back when it is worse for it within the watch period, for which the command waits. ' +
          'Exits with 1 when it was taken back.',
      )
      .option('--comment <text>', 'why, for the list of revisions')
      .option('--no-wait', 'do not wait for the watch period'),
  )
    .addHelpText('after', '\nExample:\n  telemetryx apply -c new.yaml --comment "pump 3 has a new address"')
    .action(runApply)
}

async function runApply(options: ApplyCommandOptions): Promise<void> {
  const { file, text, gateway } = runningGatewayOf(options)
  const { etag } = await gateway.ask<{ etag: string }>({ method: 'GET', path: '/config' })
  const query = options.comment === undefined ? '' : `?comment=${encodeURIComponent(options.comment)}`
  const request = { method: 'PUT', path: `/config${query}`, body: text, headers: { 'if-match': etag } }
  const applied = await gateway.ask<AppliedAnswer>(request).catch((error: unknown) => refuse(error, file, options))
  if (applied === null) return
  const { revision, isChanged, plan } = applied
  if (!options.json) {
    console.log(isChanged ? `${planText(plan)}\nApplied as revision ${revision}` : 'Nothing has changed')
  }
  const outcome = isChanged && options.wait ? await outcomeOf(gateway, applied) : null
  report(applied, outcome, options)
}

function report(applied: AppliedAnswer, outcome: RevisionAnswer | null, { json }: ApplyCommandOptions): void {
  const wasTakenBack = outcome?.state === 'rolledBack'
  if (json) console.log(JSON.stringify({ ...applied, outcome }))
  else if (wasTakenBack) console.error(`Revision ${applied.revision} was taken back: ${outcome.reason}`)
  else if (outcome) console.log(`Revision ${applied.revision} stays`)
  if (wasTakenBack) process.exitCode = EXIT_BAD
}

/** Waits until it is decided whether the revision stays. */
async function outcomeOf(gateway: LocalGateway, { revision, watchedUntil }: AppliedAnswer): Promise<RevisionAnswer> {
  const progress = progressLine()
  const endsAt = watchedUntil === null ? 0 : Date.parse(watchedUntil)
  for (;;) {
    const answer = await gateway.ask<RevisionAnswer>({ method: 'GET', path: `/config/revisions/${revision}` })
    if (answer.state !== 'watched' && answer.state !== 'applying') {
      progress.clear()
      return answer
    }
    const left = Math.max(0, Math.ceil((endsAt - Date.now()) / 1000))
    progress.show(() => `watching the gateway: ${counted(left, 'second')} left`)
    await delay(LOOK_MS)
  }
}
