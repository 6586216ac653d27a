// `telemetryx secret`, on a folder without a gateway and through one that runs. A value comes by standard input only.

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { main } from '#cli/main.ts'
import { SecretStore } from '#config/secret-store.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { LAUNCHER, printedBy, telemetryx } from './run-command.ts'

const VALUE = 'hunter2 with blanks'
const config = (password: string): string => `gateway: { id: edge-01, factory: Plant A }
http: { port: 0, auth: none }
devices: [ { id: apps, driver: http, sensors: [ { id: jobs } ] } ]
uplinks: [ { id: hq, type: mqtt, url: "mqtt://127.0.0.1:9", username: edge, password: ${password}, topic: "a/{sensor}" } ]
`

function withInput(args: readonly string[], input: string): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: 'pipe' })
    let text = ''
    child.stdout.on('data', (part: Buffer) => (text += part.toString()))
    child.stderr.on('data', (part: Buffer) => (text += part.toString()))
    child.on('close', (code) => resolve({ code, text }))
    child.stdin.end(input)
  })
}

/** A command within this process: quicker than one of its own. */
const inHere = (...args: string[]) => printedBy(() => main(args))

function folder(password: string): { file: string; dir: string; inFolder: string } {
  const dir = mkdtempSync(join(tmpdir(), 'telemetryx-secret-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'gateway.yaml')
  writeFileSync(file, config(password))
  return { file, dir, inFolder: join(dir, 'data/secrets') }
}

/** What the audit log has of secrets: action and name. */
function audited(dir: string): string[] {
  const texts = readdirSync(join(dir, 'data/audit')).map((name) => readFileSync(join(dir, 'data/audit', name), 'utf8'))
  expect(texts.join('')).not.toContain('hunter2')
  const entries = texts.join('').matchAll(/"action":"(secret\.[a-z]+)","target":"([a-z-]+)"/g)
  return [...entries].map(([, action, name]) => `${action} ${name}`)
}

describe('telemetryx secret', () => {
  it('stores what a configuration lacks, in the folder of a gateway that does not run', async () => {
    const { file, dir, inFolder } = folder('"${secret:hq-password}"')
    const unknown = await inHere('check', file)
    expect([unknown.code, unknown.stdout]).toEqual([
      78,
      expect.stringContaining(`${file}:4:87: uplinks[0].password: there is no secret hq-password`),
    ])
    expect(await withInput(['secret', 'set', 'hq-password', '-c', file], `${VALUE}\n`)).toEqual({
      code: 0,
      text: 'hq-password is stored: write "${secret:hq-password}" into the configuration\n',
    })
    expect(readFileSync(join(inFolder, 'hq-password'), 'utf8')).toBe(VALUE)
    expect((await inHere('check', file)).code).toBe(0)
    expect(audited(dir)).toEqual(['secret.put hq-password'])
  })

  it('stores, lists and deletes through the gateway that runs, and what was stored is in no backup', async () => {
    const { file, dir, inFolder } = folder('"${secret:hq-password}"')
    await new SecretStore({ dataDir: join(dir, 'data'), env: {} }).put('hq-password', VALUE)
    const gateway = await startGatewayProcess(file)
    onTestFinished(() => gateway.end('SIGKILL'))
    const key = '-----BEGIN KEY-----\nhunter2\n'
    expect(await withInput(['secret', 'set', 'unused', '--json', '-c', file], key)).toEqual({
      code: 0,
      text: '{"name":"unused","isNew":true,"usedBy":[]}\n',
    })
    const listed = await inHere('secret', 'list', '-c', file)
    expect(listed.stdout).toMatch(/hq-password +store .* uplinks\.hq\.password\nunused +store .* nothing\n/)
    expect(listed.stdout + listed.stderr).not.toContain('hunter2')
    expect(await inHere('secret', 'delete', 'hq-password', '-c', file)).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('The secret hq-password is in use: uplinks.hq.password'),
    })
    expect((await inHere('secret', 'delete', 'unused', '-c', file)).code).toBe(0)
    expect(readdirSync(inFolder)).toEqual(['hq-password'])
    expect(audited(dir)).toEqual(['secret.put unused', 'secret.delete hq-password', 'secret.delete unused'])

    // No backup holds any: restore names those that the restored configuration lacks.
    const [backup, again] = [join(dir, 'b.tar'), join(dir, 'again')]
    expect((await telemetryx(['backup', backup, '-c', file])).code).toBe(0)
    expect(readFileSync(backup).includes(VALUE)).toBe(false)
    expect((await telemetryx(['restore', backup, '--data', again])).stdout).toContain(
      `Secrets are in no backup. Set: telemetryx secret set hq-password --data ${again}\n`,
    )
  })

  it('is what check advises for a password that is written out, which it does not repeat', async () => {
    const { file } = folder('hunter2')
    const { code, stdout, stderr } = await inHere('check', file)
    expect([code, stdout]).toEqual([0, `${file}: ok, 1 device, 1 sensor, 1 uplink\n`])
    expect(stderr).toBe(
      `${file}:4:87: warning: uplinks.hq.password: whoever reads the file reads this secret; ` +
        'store it with "telemetryx secret set hq-password" and write ${secret:hq-password} here\n',
    )
    const asJson = await inHere('check', '--json', file)
    expect(JSON.parse(asJson.stdout)).toMatchObject({ ok: true, warnings: [{ file, line: 4, column: 87 }] })
    expect(asJson.stdout).not.toContain('hunter2')
  })
})
