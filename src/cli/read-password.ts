// A password from the person at the terminal, unseen and twice, or as the first line of standard input.

import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { TelemetryError } from '#domain/errors.ts'

/** Throws USAGE when the two differ, or there is none. */
export async function readPassword(question: string): Promise<string> {
  const password = process.stdin.isTTY ? await askTwice(question) : await firstLine()
  if (password === '') throw new TelemetryError('USAGE', 'No password was given')
  return password
}

async function askTwice(question: string): Promise<string> {
  const first = await ask(`${question}: `)
  if (first === (await ask('Once more: '))) return first
  throw new TelemetryError('USAGE', 'The two passwords differ')
}

async function ask(question: string): Promise<string> {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() })
  const line = createInterface({ input: process.stdin, output: unseen, terminal: true })
  process.stderr.write(question)
  try {
    return await line.question('')
  } finally {
    line.close()
    process.stderr.write('\n')
  }
}

async function firstLine(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line
  return ''
}
