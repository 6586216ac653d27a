// `telemetryx brain` in a process of its own, killed (SIGKILL) in the middle: no action is lost, no record is judged twice.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { RpcClient, rpcAddress } from '#rpc/client.ts'
import { syncMethod } from '#rpc/ingest-service.ts'
import { LAUNCHER, telemetryx } from '#test/cli/run-command.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { RulesClient, TestLine } from './brain-bed.ts'

const WAIT = { timeout: 60_000, interval: 20 }

describe('A brain that is killed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-brain-'))
  const file = join(folder, 'brain.yaml')
  const posts: string[] = []
  let answer = 503
  const hook = createServer((request, response) => {
    posts.push(String(request.headers['x-telemetryx-delivery']))
    response.writeHead(answer).end()
  })
  let postgres: PostgresPeer | null = null
  let brain: ChildProcess

  async function start(): Promise<RpcClient> {
    brain = spawn(process.execPath, [LAUNCHER, 'brain', '-c', file], { stdio: ['ignore', 'pipe', 'ignore'] })
    for await (const line of createInterface(brain.stdout!)) {
      const port = /^gRPC: grpc:\/\/.*:(\d+)$/.exec(line)?.[1]
      if (port === undefined) continue
      const address = rpcAddress(`127.0.0.1:${port}`, false)
      return new RpcClient({ address, tls: null, token: null, keepaliveMs: 0, keepaliveTimeoutMs: 0 })
    }
    throw new Error('telemetryx brain ended at once')
  }

  async function kill(): Promise<void> {
    const ended = once(brain, 'exit')
    brain.kill('SIGKILL')
    await ended
  }

  beforeAll(async () => {
    hook.listen(0, '127.0.0.1')
    await once(hook, 'listening')
    postgres = hasPostgres ? await startPostgres() : null
    writeFileSync(
      file,
      `version: 1\nlisten: { port: 0 }\nhttp: { port: 0 }\ndata: ./data\nwebhooks: { allowPrivate: true }\n` +
        `actions: { firstRetry: 50ms, maxRetry: 100ms, attempts: 1000 }\n` +
        (postgres ? `databaseUrl: "${postgres.url}"\n` : ''),
    )
  })
  afterAll(async () => {
    if (brain.exitCode === null && brain.signalCode === null) await kill()
    hook.close()
    await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('carries out after its start what it had acknowledged, and judges no record twice', async () => {
    const first = await start()
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`
    await new RulesClient(first).create({
      id: 'hot',
      enabled: true,
      severity: 3,
      condition: '{">":[{"var":"value"},80]}',
      actions: [{ kind: { case: 'webhook', value: { url } } }],
    })
    const line = new TestLine(first.openStream(syncMethod))
    line.hello()
    for (let seq = 1; seq <= 10; seq++) line.readings(seq, [seq % 2 === 0 ? 90 : 10])
    await vi.waitFor(() => expect(line.acknowledged).toHaveLength(10), WAIT)
    await kill()
    first.close()
    posts.length = 0
    answer = 200
    const second = await start()
    const again = new TestLine(second.openStream(syncMethod))
    again.hello()
    for (let seq = 1; seq <= 10; seq++) again.readings(seq, [seq % 2 === 0 ? 90 : 10])
    again.readings(11, [90])
    await vi.waitFor(() => expect(again.acknowledged).toHaveLength(11), WAIT)
    await vi.waitFor(() => expect(new Set(posts).size).toBe(6), WAIT)
    second.close()
  })

  it('ends by SIGTERM with 0, and tells what is wrong with a configuration', async () => {
    if (brain.exitCode === null && brain.signalCode === null) {
      const ended = once(brain, 'exit')
      brain.kill('SIGTERM')
      expect((await ended)[0]).toBe(0)
    }
    const wrong = join(folder, 'wrong.yaml')
    writeFileSync(wrong, 'version: 1\nlisten: { host: 0.0.0.0, prt: 1 }\n')
    const { code, stderr } = await telemetryx(['brain', '-c', wrong, '--check'])
    expect(code).toBe(78)
    expect(stderr).toContain('wrong.yaml:2:')
  })
})
