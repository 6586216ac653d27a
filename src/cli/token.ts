// `telemetryx token`: what programs come in with.

import type { Command } from 'commander'
import type { Role } from '#gateway/accounts-desk.ts'
import { roleOption } from './role-option.ts'
import { table } from './table.ts'
import { onAccounts, subcommand, type AccountCommandOptions } from './user.ts'

interface AddOptions extends AccountCommandOptions {
  readonly role: Role
  readonly expiresIn?: string
  readonly ingest?: readonly string[]
}

export function registerToken(program: Command): void {
  const token = program
    .command('token')
    .summary('list, make and revoke tokens of programs')
    .description(
      'What programs send as `Authorization: Bearer`. Works through the running gateway of the data folder, or in the folder while ' +
        'none runs. The text of a token is shown once, when it is made.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  telemetryx token add scraper --role viewer --expires-in 365d\n  telemetryx token add shop-floor --role operator --ingest apps\n  telemetryx token revoke ID',
    )
  subcommand(token, 'list', 'tokens, without their texts').action(list)
  subcommand(token, 'add', 'make a token and print its text')
    .argument('<name>', 'of the program, for journals')
    .addOption(roleOption())
    .option('--expires-in <duration>', 'when it ends, for example 90d (default: never)')
    .option('--ingest <device...>', 'only for handing in readings of these devices; * for every one')
    .action(add)
  subcommand(token, 'revoke', 'end a token').argument('<id>', 'as `token list` shows it').action(revoke)
}

async function list(options: AccountCommandOptions): Promise<void> {
  const tokens = await onAccounts(options, (desk) => desk.tokens())
  if (options.json) {
    console.log(JSON.stringify(tokens))
    return
  }
  const rows = tokens.map(({ id, name, role, createdAt, expiresAt, lastUsedAt, ingest }) => [
    id,
    name,
    ingest === null ? role : `ingest ${ingest.join(' ')}`,
    createdAt,
    expiresAt ?? 'never',
    lastUsedAt ?? 'never',
  ])
  console.log(table(['ID', 'NAME', 'MAY', 'CREATED', 'ENDS', 'LAST USED'], rows))
}

async function add(name: string, options: AddOptions): Promise<void> {
  const { role, expiresIn, ingest, json } = options
  const wish = { name, role, ...(expiresIn !== undefined && { expiresIn }), ...(ingest && { ingest }) }
  const made = await onAccounts(options, (desk) => desk.addToken(wish))
  if (json) console.log(JSON.stringify(made))
  else {
    console.log(made.token)
    console.error(`Its id is ${made.id}. The text above is shown only now: keep it where the program finds it.`)
  }
}

async function revoke(id: string, options: AccountCommandOptions): Promise<void> {
  await onAccounts(options, (desk) => desk.revokeToken(id))
  console.log(options.json ? JSON.stringify({ id }) : `${id} opens nothing any more`)
}
