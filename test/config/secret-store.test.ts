// The store of secrets on a real folder: names that lead elsewhere, two at once, a kill -9 in the middle, permissions.

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SECRET_NAME, secretFiles } from '#config/secret-files.ts'
import { SecretStore } from '#config/secret-store.ts'
import { substitute } from '#config/substitute.ts'

const VALUE = 'hunter2-in-the-store'

function data(): string {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-secret-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const storeOf = (dataDir: string, env: Record<string, string> = {}): SecretStore => new SecretStore({ dataDir, env })
const modeOf = (path: string): number => statSync(path).mode & 0o777

/** What a configuration gets for `${secret:NAME}`. */
function read(name: string, dataDir: string, env: Record<string, string> = {}): string | readonly string[] {
  const { text, problems } = substitute(`\${secret:${name}}`, { env, folder: '/', dataDir })
  return problems.length > 0 ? problems : text
}

describe('the store of secrets', () => {
  it('gives back what was stored, without the line break at its end, to the configuration alone', async () => {
    const dataDir = data()
    const store = storeOf(dataDir)
    expect(await store.put('press-1-password', `${VALUE}\n`)).toEqual({ isNew: true })
    expect(read('press-1-password', dataDir)).toBe(VALUE)
    expect(await store.put('press-1-password', 'two\nlines\r\n')).toEqual({ isNew: false })
    expect(read('press-1-password', dataDir)).toBe('two\nlines')
    expect(await store.list()).toEqual([{ name: 'press-1-password', from: 'store', changedAt: expect.any(Number) }])
    expect(JSON.stringify(await store.list())).not.toContain('lines')
  })

  it('lets nobody but its user read them, also where the folder stood open', async () => {
    const dataDir = data()
    mkdirSync(join(dataDir, 'secrets'), { mode: 0o755 })
    chmodSync(join(dataDir, 'secrets'), 0o755)
    const store = storeOf(dataDir)
    await store.tidy()
    await store.put('token', VALUE)
    expect(modeOf(join(dataDir, 'secrets'))).toBe(0o700)
    expect(modeOf(join(dataDir, 'secrets', 'token'))).toBe(0o600)
  })

  it('refuses names that are none, and never says the value', async () => {
    const dataDir = data()
    const store = storeOf(dataDir)
    const hostile = [
      '',
      '.',
      '..',
      '../auth.json',
      'a/b',
      'a\\b',
      'a\0b',
      '.hidden',
      '-x',
      'ä',
      'a b',
      'x'.repeat(300),
      'a\nb',
      'a}',
    ]
    for (const name of hostile) {
      const failure = await store.put(name, VALUE).then(
        () => null,
        (error: unknown) => error as Error & { code: string },
      )
      expect([name, failure?.code]).toEqual([name, 'USAGE'])
      expect(String(failure)).not.toContain(VALUE)
      await expect(store.remove(name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect(Array.isArray(read(name, dataDir)), name).toBe(true)
    }
    expect(existsSync(join(dataDir, 'secrets'))).toBe(false)
    for (const value of ['', '\n', 'a\0b', '\ud800', 'x'.repeat(64 * 1024 + 1)])
      await expect(store.put('token', value)).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('never leaves its folders, whatever the name', () => {
    const env = { CREDENTIALS_DIRECTORY: '/credentials' }
    const property = fc.property(fc.stringMatching(SECRET_NAME), (name) => {
      expect(secretFiles(name, '/data', env).map((file) => dirname(file))).toEqual(['/credentials', '/data/secrets'])
      expect(basename(secretFiles(name, '/data', {})[0]!)).toBe(name)
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('stores two at once one after the other: the last one counts, as a whole', async () => {
    const dataDir = data()
    const store = storeOf(dataDir)
    const values = Array.from({ length: 20 }, (_, index) => `${index}-`.repeat(2000))
    const stored = await Promise.all(values.map((value) => store.put('token', value)))
    expect(stored.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect(read('token', dataDir)).toBe(values.at(-1))
    const names = await Promise.all(values.map((value) => store.add('hq', value)))
    expect(new Set(names).size).toBe(values.length)
    for (const [index, name] of names.entries()) expect(read(name, dataDir)).toBe(values[index])
    expect(readdirSync(join(dataDir, 'secrets')).filter((file) => file.startsWith('.'))).toEqual([])
  })

  it('has the old one after a kill -9 between writing and renaming, and tidies up at the next start', async () => {
    const dataDir = data()
    await storeOf(dataDir).put('token', 'the old one')
    const script = `
      import fs from 'node:fs/promises'
      import { syncBuiltinESMExports } from 'node:module'
      fs.rename = () => process.kill(process.pid, 'SIGKILL')
      syncBuiltinESMExports()
      const { SecretStore } = await import('#config/secret-store.ts')
      await new SecretStore({ dataDir: ${JSON.stringify(dataDir)}, env: {} }).put('token', ${JSON.stringify(VALUE)})`
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(signal).toBe('SIGKILL')
    expect(readFileSync(join(dataDir, 'secrets', '.token.new'), 'utf8')).toBe(VALUE)
    expect(modeOf(join(dataDir, 'secrets', '.token.new'))).toBe(0o600)
    expect(read('token', dataDir)).toBe('the old one')
    const store = storeOf(dataDir)
    expect((await store.list()).map(({ name }) => name)).toEqual(['token'])
    await store.tidy()
    expect(readdirSync(join(dataDir, 'secrets'))).toEqual(['token'])
  })

  it('takes a credential of the service first, and does not change it', async () => {
    const dataDir = data()
    const credentials = data()
    const env = { CREDENTIALS_DIRECTORY: credentials }
    await storeOf(dataDir).put('mq', 'from the store')
    writeFileSync(join(credentials, 'secret_mq'), `${VALUE}\n`)
    writeFileSync(join(credentials, 'another'), 'x')
    const store = storeOf(dataDir, env)
    expect(read('mq', dataDir, env)).toBe(VALUE)
    expect(await store.list()).toMatchObject([{ name: 'mq', from: 'credential' }])
    await expect(store.put('mq', 'x')).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(store.remove('mq')).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await store.add('mq', 'x')).toBe('mq-2')
    expect(readFileSync(join(credentials, 'secret_mq'), 'utf8')).toBe(`${VALUE}\n`)
  })

  it('deletes one, and says when there is none', async () => {
    const dataDir = data()
    const store = storeOf(dataDir)
    await store.put('token', VALUE)
    await store.remove('token')
    expect(read('token', dataDir)).toEqual(['there is no secret token; store it with: telemetryx secret set token'])
    await expect(store.remove('token')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('tells a file that is no secret apart from none', () => {
    const dataDir = data()
    mkdirSync(join(dataDir, 'secrets', 'folder'), { recursive: true })
    expect(read('folder', dataDir)).toEqual([expect.stringMatching(/^the secret folder is no regular file/)])
    expect(substitute('${secret:token}', { env: {}, folder: '/' }).problems).toEqual([
      '${secret:token} is kept by a gateway only; write ${file:/path} here',
    ])
  })
})
