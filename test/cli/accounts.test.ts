// `telemetryx user` and `token`, on a folder without a gateway and through one that runs encrypted.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Accounts } from '#api/auth/accounts.ts'
import { systemClock } from '#kit/clock.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { LAUNCHER, telemetryx } from './run-command.ts'

const PASSWORD = 'correct horse battery'
const CONFIG = `gateway: { id: edge-01, factory: Plant A }
http: { port: 0, tls: { selfSigned: true } }
devices: [ { id: apps, driver: http, sensors: [ { id: jobs } ] } ]
`

function folder(): { dir: string; data: string; config: string } {
  const dir = mkdtempSync(join(tmpdir(), 'telemetryx-accounts-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const config = join(dir, 'gateway.yaml')
  writeFileSync(config, CONFIG)
  return { dir, config, data: join(dir, 'data') }
}

/** With a line on standard input. */
function withInput(args: readonly string[], input: string): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: 'pipe' })
    let text = ''
    child.stdout.on('data', (part: Buffer) => (text += part.toString()))
    child.stderr.on('data', (part: Buffer) => (text += part.toString()))
    child.on('close', (code) => resolve({ code, text }))
    child.stdin.end(`${input}\n`)
  })
}

async function accountsOf(data: string): Promise<Accounts> {
  const accounts = new Accounts(join(data, 'auth.json'), systemClock)
  await accounts.load()
  return accounts
}

describe('users and tokens from the command line', () => {
  it('are made on a folder without a gateway, kept as hashes and audited', async () => {
    const { config, data } = folder()
    expect(await withInput(['user', 'add', 'shift-lead', '--role', 'admin', '-c', config], 'short')).toMatchObject({
      code: 64,
    })
    expect(await withInput(['user', 'add', 'shift-lead', '--role', 'admin', '-c', config], PASSWORD)).toEqual({
      code: 0,
      text: 'shift-lead may log in as admin\n',
    })
    const wish = 'token add shop-floor --role operator --ingest apps --expires-in 90d --json -c'
    const made = await telemetryx([...wish.split(' '), config])
    const { id, token } = JSON.parse(made.stdout)
    const accounts = await accountsOf(data)
    expect(await accounts.authenticate('shift-lead', PASSWORD)).toMatchObject({ role: 'admin' })
    expect(accounts.tokenPrincipal(token, false)).toMatchObject({ role: 'operator', ingest: ['apps'] })
    expect(statSync(join(data, 'auth.json')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(data, 'auth.json'), 'utf8')).not.toContain(token)

    expect((await telemetryx(['token', 'revoke', id, '-c', config])).code).toBe(0)
    expect((await accountsOf(data)).tokenPrincipal(token, false)).toBeNull()
    const log = readFileSync(join(data, 'audit', 'audit-00000001.jsonl'), 'utf8')
    expect([...log.matchAll(/"action":"([a-z.]+)"/g)].map(([, action]) => action)).toEqual([
      'user.add',
      'token.add',
      'token.revoke',
    ])
    expect(log).not.toContain(PASSWORD)
    expect(log).not.toContain(token)
  })

  it('go through a running gateway, over its own certificate, and hold at once', async () => {
    const { dir, config, data } = folder()
    const gateway = await startGatewayProcess(config)
    expect(gateway.url).toMatch(/^https:/)
    expect(await withInput(['user', 'add', 'jo', '--role', 'admin', '-c', config], PASSWORD)).toMatchObject({ code: 0 })
    expect((await telemetryx(['user', 'list', '-c', config])).stdout).toMatch(/^jo +admin +20/m)
    expect((await telemetryx(['user', 'remove', 'jo', '-c', config])).stderr).toContain('The last administrator stays')
    const token = (await telemetryx(['token', 'add', 'helper', '--role', 'engineer', '-c', config])).stdout.trim()
    expect(token).toMatch(/^tx_/)
    expect((await telemetryx(['token', 'list', '-c', config])).stdout).toMatch(/helper +engineer .* never +never/)
    expect((await accountsOf(data)).tokenPrincipal(token, false)).toMatchObject({ role: 'engineer' })

    const bundle = await telemetryx(['support-bundle', join(dir, 'b.tar'), '--json', '-c', config], {
      env: { TELEMETRYX_TOKEN: undefined },
    })
    expect(JSON.parse(bundle.stdout)).toMatchObject({ isRunning: true, missing: [] })
  })
})
