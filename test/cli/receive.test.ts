// `telemetryx receive` as a shell sees it; what it does with records is tested in test/receiver and test/uplinks/grpc.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it } from 'vitest'
import { LAUNCHER, telemetryx } from './run-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-receive-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('telemetryx receive', () => {
  it('says where it listens, wants the token of the environment, and ends when it is told to', async () => {
    const words = ['receive', '--data', folder, '--grpc-port', '0', '--http-port', '0']
    const env = { ...process.env, TELEMETRYX_TOKEN: 'secret' }
    const child = spawn(process.execPath, [LAUNCHER, ...words], { stdio: ['ignore', 'pipe', 'ignore'], env })
    const lines: string[] = []
    for await (const line of createInterface(child.stdout)) if (lines.push(line) === 2) break
    expect(lines[0]).toMatch(/^gRPC: grpc:\/\/127\.0\.0\.1:\d+$/)
    const url = /^HTTP: (http:\/\/127\.0\.0\.1:\d+\/api\/v1\/ingest)$/.exec(lines[1]!)![1]!
    expect((await fetch(url, { method: 'POST' })).status).toBe(401)
    expect((await fetch(url, { method: 'POST', headers: { Authorization: 'Bearer secret' } })).status).toBe(415)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it.each([
    [
      'without a token beyond loopback',
      ['--host', '0.0.0.0'],
      /Without --token, everyone who reaches 0\.0\.0\.0 could send/,
    ],
    ['with a certificate without its key', ['--cert', 'x.pem'], /TLS needs --cert and --key/],
    ['on no port', ['--grpc-port', 'many'], /a port is a number from 0 to 65535/],
  ])('does not start %s', async (_what, words, message) => {
    const { code, stderr } = await telemetryx(['receive', '--data', folder, ...words], {
      env: { TELEMETRYX_TOKEN: undefined },
    })
    expect(code).toBe(64)
    expect(stderr).toMatch(message)
  })

  it('says which certificate cannot be read', async () => {
    const { code, stderr } = await telemetryx(['receive', '--cert', '/nowhere.pem', '--key', '/nowhere.key'])
    expect(code).toBe(78)
    expect(stderr).toContain('/nowhere.pem cannot be read')
  })
})
