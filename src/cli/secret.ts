// `telemetryx secret`: the passwords and keys that a configuration refers to.

import type { Command } from 'commander'
import type { SecretDesk } from '#domain/secrets.ts'
import { withSecrets } from '#gateway/secrets-at-hand.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger } from '#kit/logger.ts'
import { dataFolder } from './data-folder.ts'
import { readSecret } from './read-password.ts'
import { table } from './table.ts'
import { subcommand, type AccountCommandOptions } from './user.ts'

export function registerSecret(program: Command): void {
  const secret = program
    .command('secret')
    .summary('store, list and delete passwords and keys of the configuration')
    .description(
      'What `${secret:NAME}` in a configuration stands for. Each is a file in the folder `secrets` of the data folder, readable by ' +
        'the gateway alone; nothing shows it again. Works through the running gateway of the data folder, or in the folder while none runs.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  telemetryx secret set press-1-password\n  telemetryx secret set hq-token < token.txt\n  telemetryx secret list --json',
    )
  subcommand(secret, 'set', 'store or replace a secret: asked for, or all of standard input')
    .argument('<name>', 'as in ${secret:NAME}: letters, digits and _ . -')
    .action(set)
  subcommand(secret, 'list', 'names, and the keys that read them').action(list)
  subcommand(secret, 'delete', 'delete a secret that nothing reads')
    .argument('<name>')
    .option('--force', 'also when older revisions of the configuration need it')
    .action(remove)
}

function onSecrets<T>(options: AccountCommandOptions, work: (desk: SecretDesk) => Promise<T>): Promise<T> {
  const { dir, configFile } = dataFolder(options)
  const log = createLogger({ level: 'warn' })
  return withSecrets({ dataDir: dir, configFile, env: process.env, clock: systemClock, log }, work)
}

async function set(name: string, options: AccountCommandOptions): Promise<void> {
  const value = await readSecret(`Secret ${name}`)
  const { isNew, usedBy } = await onSecrets(options, async (desk) => {
    const stored = await desk.put(name, value)
    const entry = (await desk.list()).find((secret) => secret.name === name)
    return { ...stored, usedBy: entry?.usedBy ?? [] }
  })
  if (options.json) console.log(JSON.stringify({ name, isNew, usedBy }))
  else if (isNew) console.log(`${name} is stored: write "\${secret:${name}}" into the configuration`)
  else console.log(`${name} is replaced`)
  if (!isNew && usedBy.length > 0)
    console.error(`A gateway that runs takes it up with: telemetryx apply, or systemctl reload`)
}

async function list(options: AccountCommandOptions): Promise<void> {
  const secrets = await onSecrets(options, (desk) => desk.list())
  const shown = secrets.map((secret) => ({ ...secret, changedAt: new Date(secret.changedAt).toISOString() }))
  if (options.json) {
    console.log(JSON.stringify(shown))
    return
  }
  const rows = shown.map(({ name, from, changedAt, usedBy }) => [name, from, changedAt, usedBy.join(' ') || 'nothing'])
  console.log(table(['NAME', 'FROM', 'CHANGED', 'READ BY'], rows))
}

async function remove(name: string, options: AccountCommandOptions & { readonly force?: true }): Promise<void> {
  await onSecrets(options, (desk) => desk.remove(name, options.force === true))
  console.log(options.json ? JSON.stringify({ name }) : `${name} is deleted`)
}
