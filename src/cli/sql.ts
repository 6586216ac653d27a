// `telemetryx sql`: questions to the stored history in plain SQL; one on the command line, many from standard input, or a
// conversation on a terminal.

import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { Option, type Command } from 'commander'
import { isTelemetryError } from '#domain/errors.ts'
import { openSql, splitStatements, SQL_TABLES, type SqlSession } from '#gateway/stored-data.ts'
import { yieldToTheGateway } from './beside-gateway.ts'
import { counted } from './config-file.ts'
import { dataFolder, withDataFolder, type DataFolderOptions } from './data-folder.ts'
import { EXIT_IO } from './exit-codes.ts'
import { standardOutput } from './output-file.ts'
import { SQL_FORMATS, writeResult, type SqlFormat } from './sql-output.ts'
import { parseTime, TIME_HELP } from './time-argument.ts'

interface SqlCommandOptions extends DataFolderOptions {
  readonly json?: true
  readonly format: SqlFormat
  readonly from?: string
  readonly to?: string
}

const HELP = `
Tables:
${SQL_TABLES.map((table) => `  ${table}`).join('\n')}

Times are ISO 8601 texts in UTC. A condition on sensor is fast; for a range of time use the functions, or --from and --to.

Examples:
  telemetryx sql "SELECT sensor, count(*), avg(value) FROM readings_of('press-1.*', '-1h') GROUP BY sensor"
  telemetryx sql --format csv "SELECT time, max FROM rollups_hour WHERE sensor = 'press-1.power'" > power.csv
  telemetryx sql --from -1d "SELECT * FROM alarms WHERE change = 'raised'"
  telemetryx sql < questions.sql`

export function registerSql(program: Command): void {
  withDataFolder(
    program
      .command('sql')
      .summary('ask the stored history in SQL')
      .description(
        "Answers queries over readings, rollups, alarms and events in SQLite's SQL, while the gateway runs and when it " +
          'does not. Nothing can be changed. Without a query, statements come from standard input.',
      )
      .argument('[query]', 'one query, or several with semicolons between them')
      .addOption(new Option('--format <format>', 'how rows are printed').choices(SQL_FORMATS).default('table'))
      .option('--json', 'the same as --format json')
      .option('--from <time>', `what the tables show begins here: ${TIME_HELP}; default: the first reading`)
      .option('--to <time>', 'and ends before this; default: the last reading'),
  )
    .addHelpText('after', HELP)
    .action(runSql)
}

async function runSql(query: string | undefined, options: SqlCommandOptions): Promise<void> {
  const format = options.json ? 'json' : options.format
  const now = Date.now()
  const { dir, units } = dataFolder(options)
  yieldToTheGateway()
  const session = openSql({
    dataDir: dir,
    units,
    from: options.from === undefined ? null : parseTime('--from', options.from, now),
    to: options.to === undefined ? null : parseTime('--to', options.to, now),
    parseTime: (time) => parseTime('a time', time, Date.now()),
  })
  try {
    if (query === undefined && process.stdin.isTTY) await converse(session, format)
    else await answerAll(session, query ?? (await text(process.stdin)), format)
    const damaged = session.damaged()
    if (damaged.length === 0) return
    console.error(`Left out, because it is damaged on the disk: ${damaged.join(', ')}`)
    process.exitCode = EXIT_IO
  } finally {
    session.close()
  }
}

async function answerAll(session: SqlSession, sql: string, format: SqlFormat): Promise<void> {
  const output = standardOutput()
  const { complete, rest } = splitStatements(sql)
  const statements = [...complete, ...(rest === '' ? [] : [rest])].flatMap(withoutWords)
  for (const [index, statement] of statements.entries()) {
    if (index > 0 && format === 'table') await output.write('\n')
    if (isWord(statement)) await output.write(wordAnswer(statement))
    else await writeResult(session.query(statement), format, (part) => output.write(part))
  }
}

/** A word like `.tables` ends with its line: what follows is a statement of its own. */
function withoutWords(statement: string): string[] {
  if (!isWord(statement)) return [statement]
  const [word = '', ...lines] = statement.split('\n')
  const rest = lines.join('\n').trim()
  return rest === '' ? [word] : [word, ...withoutWords(rest)]
}

/** On a terminal: a query ends with a semicolon; a mistake does not end the conversation. */
async function converse(session: SqlSession, format: SqlFormat): Promise<void> {
  const output = standardOutput()
  console.log('End a query with a semicolon. .tables lists the tables, .quit or Ctrl-D ends.')
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: 'telemetryx> ' })
  let pending = ''
  lines.on('SIGINT', () => {
    // The first Ctrl-C gives up what was typed, one on an empty line ends.
    if (pending === '' && lines.line === '') return lines.close()
    pending = ''
    process.stdout.write('^C\n')
    lines.write(null, { ctrl: true, name: 'u' })
    lines.prompt()
  })
  lines.prompt()
  for await (const line of lines) {
    if (pending === '' && isWord(line)) {
      if (/^\.(?:quit|exit)\b/.test(line.trim())) break
      await output.write(wordAnswer(line))
    } else {
      const { complete, rest } = splitStatements(`${pending}${line}\n`)
      pending = rest === '' ? '' : `${rest}\n`
      for (const statement of complete) await answerOne(session, statement, format)
    }
    lines.setPrompt(pending === '' ? 'telemetryx> ' : '       ...> ')
    lines.prompt()
  }
  lines.close()
}

async function answerOne(session: SqlSession, statement: string, format: SqlFormat): Promise<void> {
  const output = standardOutput()
  // In the terminal's usual mode, so that Ctrl-C ends a query that takes too long, and with it the command.
  process.stdin.setRawMode(false)
  try {
    const rows = await writeResult(session.query(statement), format, (part) => output.write(part))
    if (format === 'table') console.log(`(${counted(rows, 'row')})`)
  } catch (error) {
    if (!isTelemetryError(error)) throw error
    console.error(error.message)
  } finally {
    process.stdin.setRawMode(true)
  }
}

function isWord(statement: string): boolean {
  return statement.trimStart().startsWith('.')
}

function wordAnswer(word: string): string {
  return /^\.(?:tables|schema|help)\b/.test(word.trim())
    ? `${SQL_TABLES.join('\n')}\n`
    : `There is no ${word.trim().split(/\s/)[0]}; .tables lists what can be asked, .quit ends\n`
}
