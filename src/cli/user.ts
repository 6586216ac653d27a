// `telemetryx user`: who may log in.

import type { Command } from 'commander'
import { withAccounts, type AccountsDesk, type Role } from '#gateway/accounts-desk.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger } from '#kit/logger.ts'
import { dataFolder, withDataFolder, type DataFolderOptions } from './data-folder.ts'
import { readPassword } from './read-password.ts'
import { roleOption } from './role-option.ts'
import { table } from './table.ts'

export interface AccountCommandOptions extends DataFolderOptions {
  readonly json?: true
}

export function registerUser(program: Command): void {
  const user = program
    .command('user')
    .summary('list, add and remove users')
    .description(
      'Who may log in to the dashboard. Works through the running gateway of the data folder, or in the folder while none runs. ' +
        'A password is asked for, or read as the first line of standard input.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  telemetryx user add shift-lead --role operator\n  telemetryx user list --json\n  telemetryx user password shift-lead',
    )
  subcommand(user, 'list', 'users and their roles').action(list)
  subcommand(user, 'add', 'add a user')
    .argument('<name>', 'letters, digits and . _ @ -')
    .addOption(roleOption())
    .action(add)
  subcommand(user, 'password', 'give a user a new password and end its sessions').argument('<name>').action(password)
  subcommand(user, 'remove', 'remove a user and end its sessions').argument('<name>').action(remove)
}

/** A subcommand that works on a data folder. */
export function subcommand(parent: Command, name: string, summary: string): Command {
  const description = `${summary[0]?.toUpperCase()}${summary.slice(1)}.`
  return withDataFolder(parent.command(name).summary(summary).description(description)).option(
    '--json',
    'print the result as JSON',
  )
}

/** Runs `work` on the accounts of the folder that the options name. */
export function onAccounts<T>(options: AccountCommandOptions, work: (desk: AccountsDesk) => Promise<T>): Promise<T> {
  const { dir } = dataFolder(options)
  return withAccounts({ dataDir: dir, clock: systemClock, log: createLogger({ level: 'warn' }) }, work)
}

async function list(options: AccountCommandOptions): Promise<void> {
  const users = await onAccounts(options, (desk) => desk.users())
  if (options.json) console.log(JSON.stringify(users))
  else
    console.log(
      table(
        ['NAME', 'ROLE', 'CREATED'],
        users.map(({ name, role, createdAt }) => [name, role, createdAt]),
      ),
    )
}

async function add(name: string, options: AccountCommandOptions & { readonly role: Role }): Promise<void> {
  const { role } = options
  const text = await readPassword(`Password of ${name}`)
  await onAccounts(options, (desk) => desk.addUser(name, text, role))
  console.log(options.json ? JSON.stringify({ name, role }) : `${name} may log in as ${role}`)
}

async function password(name: string, options: AccountCommandOptions): Promise<void> {
  const text = await readPassword(`New password of ${name}`)
  await onAccounts(options, (desk) => desk.setPassword(name, text))
  console.log(options.json ? JSON.stringify({ name }) : `${name} has a new password`)
}

async function remove(name: string, options: AccountCommandOptions): Promise<void> {
  await onAccounts(options, (desk) => desk.removeUser(name))
  console.log(options.json ? JSON.stringify({ name }) : `${name} was removed`)
}
