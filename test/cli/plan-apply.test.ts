// `telemetryx plan` and `apply`, and SIGHUP, against a gateway in a process of its own.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { telemetryx } from './run-command.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'telemetryx-apply-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const config = (sensor: string): string =>
  `# written by hand
gateway: { id: edge-01, factory: Plant A }
http: { port: 0 }
configuration: { watch: 5s }
devices: [ { id: apps, driver: http, sensors: [ { id: ${sensor} } ] } ]
`

describe('plan and apply', () => {
  it('change the running gateway without a user or token, and tell who did it', async () => {
    const dir = folder()
    const file = join(dir, 'gateway.yaml')
    const next = join(dir, 'next.yaml')
    writeFileSync(file, config('jobs'))
    writeFileSync(next, config('parts'))
    const gateway = await startGatewayProcess(file)
    expect((await fetch(`${gateway.url}/api/v1/config`)).status).toBe(401)
    expect(statSync(join(dir, 'data/local-access.json')).mode & 0o777).toBe(0o600)

    const plan = await telemetryx(['plan', '-c', next])
    expect(plan).toMatchObject({ code: 0, stderr: '' })
    expect(plan.stdout.split('\n')).toEqual([
      '+ sensor apps.parts',
      '- sensor apps.jobs',
      '~ device apps (restarts)',
      '    its sensors changed, or what a reference stands for',
      '1 device restarts; 0 devices and 0 uplinks undisturbed',
      '',
    ])
    expect(readFileSync(file, 'utf8')).toBe(config('jobs'))

    const applied = await telemetryx(['apply', '-c', next, '--comment', 'as agreed'])
    expect(applied).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Applied as revision 2\nRevision 2 stays\n$/),
    })
    expect(readFileSync(file, 'utf8')).toBe(config('parts'))
    const same = await telemetryx(['apply', '-c', file, '--json'])
    expect(JSON.parse(same.stdout)).toMatchObject({ isChanged: false, revision: 2, outcome: null })
    const stored = JSON.parse(readFileSync(join(dir, 'data/configuration/revision-000002.json'), 'utf8'))
    expect(stored).toMatchObject({
      by: expect.stringMatching(/^cli:/),
      origin: 'cli',
      comment: 'as agreed',
      state: 'kept',
    })

    await gateway.end('SIGTERM')
    expect(await telemetryx(['plan', '-c', next])).toMatchObject({
      code: 69,
      stderr: expect.stringContaining(`No gateway runs on the data folder ${join(dir, 'data')}`),
    })
  }, 180_000)

  it('say what is wrong under the name of the file that was offered, and what needs a restart', async () => {
    const dir = folder()
    const file = join(dir, 'gateway.yaml')
    const next = join(dir, 'next.yaml')
    writeFileSync(file, config('jobs'))
    await startGatewayProcess(file)
    writeFileSync(next, config('jobs').replace('factory', 'fabric'))
    expect(await telemetryx(['apply', '-c', next])).toMatchObject({
      code: 78,
      stdout: expect.stringContaining(`${next}:2:25: gateway.fabric: unknown key`),
    })
    writeFileSync(next, config('parts').replace('port: 0', 'port: 0, host: localhost'))
    expect((await telemetryx(['plan', '-c', next])).stdout).toContain(
      'a restart of the gateway is needed for http.host',
    )
    expect(await telemetryx(['apply', '-c', next])).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('Nothing was applied: http.host needs a restart of the gateway'),
    })
    expect(readFileSync(file, 'utf8')).toBe(config('jobs'))
  }, 180_000)
})

describe('SIGHUP', () => {
  it('takes up the file, says what is wrong with it, and does not end the gateway', async () => {
    const dir = folder()
    const file = join(dir, 'gateway.yaml')
    const withoutUsers = (sensor: string): string => config(sensor).replace('port: 0', 'port: 0, auth: none')
    writeFileSync(file, withoutUsers('jobs'))
    const gateway = await startGatewayProcess(file)
    const sensors = async (): Promise<string[]> => {
      const answer = await fetch(`${gateway.url}/api/v1/sensors`)
      return ((await answer.json()) as { items: { id: string }[] }).items.map(({ id }) => id)
    }
    expect(await sensors()).toEqual(['apps.jobs'])
    writeFileSync(file, 'nonsense: [\n')
    gateway.child.kill('SIGHUP')
    await vi.waitFor(() => expect(gateway.log.join('\n')).toContain('was not taken up'), EVENTUALLY)
    writeFileSync(file, withoutUsers('parts'))
    gateway.child.kill('SIGHUP')
    await vi.waitFor(async () => expect(await sensors()).toEqual(['apps.parts']), EVENTUALLY)
  }, 180_000)
})
