// A gateway that has every kind of metric: a device that answers and one that does not, a broker, a receiver that is away.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { startTestGateway } from '#test/gateway/start-gateway.ts'

export interface WatchedGateway {
  readonly url: string
  metrics(): Promise<string>
  stop(): Promise<void>
}

/** Resolves once both devices have been polled and readings are durable. */
export async function startWatchedGateway(): Promise<WatchedGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-watched-'))
  const slave = await RawModbusSlave.start()
  slave.behaviour = (request) => {
    if (request.unit === 1) slave.answer(request)
  }
  const gateway = await startTestGateway(folder, configuration(slave.port))
  const metrics = async (): Promise<string> => (await fetch(`${gateway.url}/metrics`)).text()
  const stop = async (): Promise<void> => {
    await gateway.stop({ deadlineMs: 5000 })
    await slave.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await vi.waitFor(
      async () => {
        const page = await metrics()
        expect(page).toMatch(/telemetryx_readings_total\{device="press-1",quality="good"\} [1-9]/)
        expect(page).toMatch(/telemetryx_device_errors_total\{device="press-2",kind="\w+"\} [1-9]/)
        expect(page).toMatch(/telemetryx_pipeline_latency_seconds_count [1-9]/)
      },
      { timeout: 30_000, interval: 100 },
    )
  } catch (error) {
    await stop()
    throw error
  }
  return { url: gateway.url, metrics, stop }
}

/** Unit 2 is silent; port 1 refuses, because nothing serves tcpmux. */
function configuration(port: number): string {
  return `broker: { host: 127.0.0.1, port: 0 }
devices:
  - id: press-1
    driver: modbus
    connection: { transport: tcp, host: 127.0.0.1, port: ${port}, unit: 1, timeout: 500ms }
    poll: 100ms
    sensors: [ { id: power, register: holding, address: 0, type: uint16 } ]
  - id: press-2
    driver: modbus
    connection: { transport: tcp, host: 127.0.0.1, port: ${port}, unit: 2, timeout: 100ms }
    poll: 100ms
    sensors: [ { id: power, register: holding, address: 0, type: uint16 } ]
uplinks:
  - { id: hq, type: mqtt, url: "mqtt://127.0.0.1:1" }
store: { flushInterval: 100ms }
`
}
