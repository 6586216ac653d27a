// The contract in proto/ is linted, compatible with the last release, and its generated code is the one checked in.

import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(root, 'node_modules/.bin')
const folder = mkdtempSync(join(tmpdir(), 'telemetryx-proto-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, BUF_CACHE_DIR: join(folder, 'cache') }

function buf(words: readonly string[], cwd = join(root, 'proto')): { status: number | null; output: string } {
  const { status, stderr, stdout } = spawnSync(join(bin, 'buf'), words, { cwd, env, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

/** A copy of proto/ in which `from` is replaced in one file. */
function changed(name: string, file: string, from: string, to: string): string {
  const copy = join(folder, name, 'proto')
  cpSync(join(root, 'proto'), copy, { recursive: true })
  const path = join(copy, 'telemetryx/v1', file)
  const text = readFileSync(path, 'utf8')
  expect(text).toContain(from)
  writeFileSync(path, text.replace(from, to))
  return copy
}

function filesBelow(path: string): Map<string, string> {
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(js|ts)$/.test(name))
  return new Map(names.toSorted().map((name) => [name, readFileSync(join(path, name), 'utf8')]))
}

describe('The protobuf contract', () => {
  it('passes buf lint and is formatted', () => {
    expect(buf(['lint'])).toEqual({ status: 0, output: '' })
    expect(buf(['format', '--exit-code', '-d'])).toEqual({ status: 0, output: '' })
  })

  it('would not pass with a message named against the rules', () => {
    const copy = changed('lint', 'rules.proto', 'message Match {', 'message match_ {')
    expect(buf(['lint'], copy)).toMatchObject({ status: 100 })
  })

  it('breaks nothing of the last release', () => {
    expect(buf(['breaking', '--against', 'released.binpb'])).toEqual({ status: 0, output: '' })
  })

  it('would be refused with a field that has another number', () => {
    const copy = changed('breaking', 'ingest.proto', 'uint64 last_seq = 4;', 'uint64 last_seq = 9;')
    expect(buf(['breaking', '--against', 'released.binpb'], copy)).toMatchObject({ status: 100 })
  })

  it('is what the code in src/rpc/generated was made from', () => {
    const copy = join(folder, 'generate', 'proto')
    cpSync(join(root, 'proto'), copy, { recursive: true })
    execFileSync(join(bin, 'buf'), ['generate'], { cwd: copy, env })
    const made = filesBelow(join(folder, 'generate/src/rpc/generated'))
    expect([...made.keys()]).toHaveLength(8)
    expect(filesBelow(join(root, 'src/rpc/generated'))).toEqual(made)
  })
})
