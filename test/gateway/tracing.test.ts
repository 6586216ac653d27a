// A gateway with and without an endpoint for traces: what it has loaded.

import { expect, it, onTestFinished } from 'vitest'
import { OtlpReceiver } from '#test/sim/otlp-receiver.ts'
import { loadedPackages } from './loaded-packages.ts'

it('loads nothing of OpenTelemetry unless there is somewhere to send traces to', { timeout: 240_000 }, async () => {
  const receiver = await OtlpReceiver.start()
  onTestFinished(() => receiver.stop())
  const ofOpenTelemetry = async (yaml: string): Promise<string[]> => {
    const loaded = await loadedPackages(`uplinks: [ { id: hq, type: central, url: "http://127.0.0.1:1" } ]\n${yaml}`)
    expect(loaded).toContain('fastify')
    // Its interface alone, without anything behind it, comes with the library for metrics.
    return loaded.filter((name) => name.startsWith('@opentelemetry/') && name !== '@opentelemetry/api')
  }
  expect(await ofOpenTelemetry('')).toEqual([])
  expect(await ofOpenTelemetry(`opentelemetry: { endpoint: '${receiver.endpoint}' }\n`)).toContain(
    '@opentelemetry/sdk-trace',
  )
})
