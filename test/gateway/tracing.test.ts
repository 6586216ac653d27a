// A gateway with and without an endpoint for traces, in a process of its own: what it has loaded.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { OtlpReceiver } from '#test/sim/otlp-receiver.ts'

const PROGRAM = fileURLToPath(new URL('loaded-modules.ts', import.meta.url))

it('loads nothing of OpenTelemetry unless there is somewhere to send traces to', { timeout: 240_000 }, async () => {
  const receiver = await OtlpReceiver.start()
  onTestFinished(() => receiver.stop())
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-tracing-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const run = async (yaml: string): Promise<unknown> => {
    const uplinks = 'uplinks: [ { id: hq, type: central, url: "http://127.0.0.1:1" } ]\n'
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, folder, uplinks + yaml])
    return JSON.parse(stdout)
  }
  const some = expect.toSatisfy((count: number) => count > 5) as number
  expect(await run('')).toEqual({ own: some, opentelemetry: 0 })
  const traced = `opentelemetry: { endpoint: '${receiver.endpoint}' }\n`
  expect(await run(traced)).toEqual({ own: some, opentelemetry: some })
})
