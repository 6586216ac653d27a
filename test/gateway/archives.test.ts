// Backup and support bundle of a running gateway, through its API.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startGatewayProcess } from '#test/cli/gateway-process.ts'
import { EVENTUALLY } from '#test/eventually.ts'

const SECRET = 'hunter2-in-the-topic-password'

describe('archives by the API', () => {
  it('are whole, leave no secret in a bundle and nothing on the disk', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'telemetryx-archives-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    const file = join(dir, 'gateway.yaml')
    writeFileSync(
      file,
      `gateway: { id: edge-01, factory: Plant A }
http: { port: 0, auth: none }
devices:
  - { id: apps, driver: http, sensors: [ { id: jobs } ] }
  - { id: cell, driver: mqtt, connection: { url: "mqtt://edge@127.0.0.1:1", password: ${SECRET} }, sensors: [ { id: rms, topic: a } ] }
`,
    )
    mkdirSync(join(dir, 'data/archive-left-by-a-crash'), { recursive: true })
    const { url } = await startGatewayProcess(file)
    const download = async (kind: string, request: RequestInit = {}): Promise<{ names: string[]; text: string }> => {
      const answer = await fetch(`${url}/api/v1/${kind}`, { method: 'POST', ...request })
      expect(answer.status, await answer.clone().text()).toBe(200)
      expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="edge-01-/)
      const bytes = Buffer.from(await answer.arrayBuffer())
      expect(bytes.length).toBe(Number(answer.headers.get('content-length')))
      const path = join(dir, kind)
      writeFileSync(path, bytes)
      const tar = (...args: string[]): string => execFileSync('tar', args, { encoding: 'latin1', maxBuffer: 2 ** 28 })
      return { names: tar('-tf', path).trim().split('\n'), text: tar('-xOf', path) }
    }
    const bundle = await download('support-bundle')
    expect(bundle.names).toEqual(expect.arrayContaining(['bundle.json', 'devices.json', 'config/gateway.yaml']))
    expect(bundle.text).not.toContain(SECRET)
    const body = { headers: { 'content-type': 'application/json' }, body: '{}' } // as some programs send always
    const backup = await download('backup', body)
    expect(backup.names).toContain('config/gateway.yaml')
    await vi.waitFor(
      () => expect(readdirSync(join(dir, 'data')).filter((name) => name.startsWith('archive-'))).toEqual([]),
      EVENTUALLY,
    )
    const { items } = (await (await fetch(`${url}/api/v1/audit`)).json()) as { items: { action: string }[] }
    expect(items.map(({ action }) => action)).toEqual(['backup.download', 'support-bundle.download'])
  })
})
