// The command line. Each command is one file here that exports `registerX(program: Command): void`; that adds the command
// with summary, description, options, an example and an action. An action prints its result on standard output, throws
// TelemetryError when it fails, and sets process.exitCode when it has bad news (`check`: 78); a long-running one resolves
// when it was asked to stop. A new command is one more line in COMMANDS.

import { Command, CommanderError } from 'commander'
import { isTelemetryError, toTelemetryError, type TelemetryError } from '#domain/errors.ts'
import { packageVersion } from '#gateway/version.ts'
import { EXIT_IO, EXIT_OK, EXIT_USAGE, exitCodeOf } from './exit-codes.ts'
import { hintOf } from './hints.ts'

type Register = (program: Command) => void

/** Loaded when needed: `check` should not wait for the web server of `gateway` to be read from an SD card. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  demo: async () => (await import('./demo.ts')).registerDemo,
  gateway: async () => (await import('./gateway.ts')).registerGateway,
  brain: async () => (await import('./brain.ts')).registerBrain,
  central: async () => (await import('./central.ts')).registerCentral,
  check: async () => (await import('./check.ts')).registerCheck,
  plan: async () => (await import('./plan.ts')).registerPlan,
  apply: async () => (await import('./apply.ts')).registerApply,
  schema: async () => (await import('./schema.ts')).registerSchema,
  export: async () => (await import('./export.ts')).registerExport,
  backup: async () => (await import('./backup.ts')).registerBackup,
  restore: async () => (await import('./restore.ts')).registerRestore,
  sql: async () => (await import('./sql.ts')).registerSql,
  simulate: async () => (await import('./simulate.ts')).registerSimulate,
  probe: async () => (await import('./probe.ts')).registerProbe,
  scan: async () => (await import('./scan.ts')).registerScan,
  trust: async () => (await import('./trust.ts')).registerTrust,
  receive: async () => (await import('./receive.ts')).registerReceive,
  backtest: async () => (await import('./backtest.ts')).registerBacktest,
  'support-bundle': async () => (await import('./support-bundle.ts')).registerSupportBundle,
  user: async () => (await import('./user.ts')).registerUser,
  secret: async () => (await import('./secret.ts')).registerSecret,
  token: async () => (await import('./token.ts')).registerToken,
  update: async () => (await import('./update.ts')).registerUpdate,
  completion: async () => (await import('./completion.ts')).registerCompletion,
  version: async () => (await import('./version.ts')).registerVersion,
}

/** Runs one command line (without `node` and the script's name); resolves with the exit code. Never rejects. */
export async function main(argv: readonly string[]): Promise<number> {
  endQuietlyWhenNobodyReads()
  const program = createProgram()
  try {
    for (const load of wantedCommands(argv)) (await load())(program)
    await program.parseAsync(argv, { from: 'user' })
    return Number(process.exitCode ?? EXIT_OK)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE
    const failure = toTelemetryError(error)
    console.error(failureText(failure, { debug: program.opts().debug === true }))
    return exitCodeOf(failure.code)
  }
}

/** The named command, or all of them for help, for completion and for "did you mean". */
function wantedCommands(argv: readonly string[]): (() => Promise<Register>)[] {
  const name = argv.find((word) => !word.startsWith('-')) ?? ''
  const named = Object.hasOwn(COMMANDS, name) && name !== 'completion' ? COMMANDS[name] : undefined
  return named ? [named] : Object.values(COMMANDS)
}

/** The command line with all its commands. */
export async function wholeProgram(): Promise<Command> {
  const program = createProgram()
  for (const load of Object.values(COMMANDS)) (await load())(program)
  return program
}

function createProgram(): Command {
  return new Command('telemetryx')
    .description('TelemetryX Edge reads industrial sensors, checks them, keeps them and forwards them.')
    .usage('<command> [options]')
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('--debug', 'show where an error comes from')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('(telemetryx --help lists the commands, telemetryx COMMAND --help explains one)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText('after', EXAMPLES)
}

const EXAMPLES = `
To see it at work:
  telemetryx demo

To run your own:
  telemetryx check config/gateway.yaml
  telemetryx gateway -c config/gateway.yaml`

function failureText(failure: TelemetryError, { debug }: { debug: boolean }): string {
  const line = `telemetryx: ${failure.message} [${failure.code}]${hintOf(failure.code)}`
  return debug ? `${line}\n${stacks(failure)}` : line
}

function stacks(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? error.message
  const context = isTelemetryError(error) ? `\n  context: ${JSON.stringify(error.context)}` : ''
  return error.cause === undefined ? own + context : `${own}${context}\ncaused by ${stacks(error.cause)}`
}

/** `telemetryx schema gateway | head` is no error; a full disk behind standard output is. */
function endQuietlyWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_OK)
    console.error(`telemetryx: standard output cannot be written: ${error.message} [STORE_IO]`)
    process.exit(EXIT_IO)
  })
}
