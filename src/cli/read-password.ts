// A password from the person at the terminal, unseen and twice, or as the first line of standard input; a secret of the
// configuration likewise, or as all of it.

import { isUtf8 } from 'node:buffer'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { TelemetryError } from '#domain/errors.ts'

/** More than any secret may have; the store says how much that is. */
const MAX_INPUT_BYTES = 1024 * 1024

/** Throws USAGE when the two differ, or there is none. */
export async function readPassword(question: string): Promise<string> {
  const password = process.stdin.isTTY ? await askTwice(question) : await firstLine()
  if (password === '') throw new TelemetryError('USAGE', 'No password was given')
  return password
}

/** Throws USAGE when the two differ, it is no text or too long. */
export async function readSecret(question: string): Promise<string> {
  return process.stdin.isTTY ? askTwice(question) : allOfInput()
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

async function allOfInput(): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MAX_INPUT_BYTES) throw new TelemetryError('USAGE', 'That is too long for a secret')
    parts.push(part)
  }
  const all = Buffer.concat(parts)
  if (!isUtf8(all)) throw new TelemetryError('USAGE', 'A secret is a text in UTF-8')
  return all.toString('utf8')
}
