// Files that commands write: whole or not at all.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { outputFile } from '#cli/output-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-output-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('an output file', () => {
  it('replaces what has its name only when it is whole', async () => {
    const path = join(folder, 'a.csv')
    writeFileSync(path, 'old')
    const output = await outputFile(path, { mode: 0o600 })
    await output.write('new ')
    await output.write(new Uint8Array(300_000))
    expect(readFileSync(path, 'utf8')).toBe('old')
    await output.finish()
    expect(output.bytes).toBe(300_004)
    expect(readFileSync(path)).toEqual(Buffer.concat([Buffer.from('new '), Buffer.alloc(300_000)]))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['a.csv'])
  })

  it('leaves nothing behind when it is given up', async () => {
    const output = await outputFile(join(folder, 'a.csv'))
    await output.write('half')
    await output.abandon()
    expect(readdirSync(folder)).toEqual([])
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves nothing behind after %s', async (signal) => {
    const program = `
      import { outputFile } from ${JSON.stringify(new URL('../../src/cli/output-file.ts', import.meta.url).href)}
      const output = await outputFile(${JSON.stringify(join(folder, 'a.csv'))})
      await output.write(new Uint8Array(300_000))
      process.stdout.write('written')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    expect(readdirSync(folder)).toEqual(['a.csv.partial'])
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([signal === 'SIGINT' ? 130 : 143, null])
    expect(readdirSync(folder)).toEqual([])
  })

  it('says in words why it cannot be written', async () => {
    mkdirSync(join(folder, 'sub'))
    await expect(outputFile(join(folder, 'sub'))).rejects.toThrow('it is a folder')
    await expect(outputFile(join(folder, 'none', 'a.csv'))).rejects.toThrow('its folder does not exist')
  })
})
