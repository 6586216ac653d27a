// A gateway that is killed while messages come: what the broker was told is in the journal, so nothing is missing.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { expect, it, onTestFinished, vi } from 'vitest'
import { LAUNCHER } from '#test/cli/run-command.ts'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'

const MESSAGES = 400
const eventually = { timeout: 60_000, interval: 100 }

it.skipIf(!hasMosquitto)(
  'loses no QoS 1 message when the gateway is killed again and again (needs mosquitto)',
  { timeout: 120_000 },
  async () => {
    const broker = await Mosquitto.start()
    onTestFinished(() => broker.close())
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-mqtt-kill-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const config = join(folder, 'gateway.yaml')
    writeFileSync(
      config,
      `gateway: { id: edge-01, factory: Plant A }
data: ./data
http: { port: 0, auth: none }
devices:
  - { id: m, driver: mqtt, connection: { url: "${broker.url}" }, sensors: [ { id: count, topic: count, payload: number } ] }
`,
    )
    let gateway = await startGateway(config)
    onTestFinished(() => void gateway.process.kill('SIGKILL'))
    await vi.waitFor(async () => expect(await stateOf(gateway.url)).toBe('up'), eventually)

    const publisher = await connectAsync(broker.url)
    onTestFinished(() => publisher.endAsync(true).then(() => {}))
    for (let value = 0; value < MESSAGES; value++) {
      await publisher.publishAsync('count', String(value), { qos: 1 })
      if (value % 100 !== 50) continue
      const ended = once(gateway.process, 'exit')
      gateway.process.kill('SIGKILL')
      await ended
      gateway = await startGateway(config)
    }
    await vi.waitFor(async () => {
      const values = new Set(await readings(gateway.url))
      const missing = Array.from({ length: MESSAGES }, (_, value) => value).filter((value) => !values.has(value))
      expect(missing).toEqual([])
    }, eventually)
  },
)

async function startGateway(config: string): Promise<{ process: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [LAUNCHER, 'gateway', '-c', config, '--log-level', 'error'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The gateway ended with ${code}: ${text}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text)
      if (found) resolve(found[0])
    })
  })
  child.removeAllListeners('exit')
  return { process: child, url }
}

async function stateOf(url: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/devices/m`)
  return ((await response.json()) as { state: string }).state
}

async function readings(url: string): Promise<number[]> {
  const response = await fetch(`${url}/api/v1/sensors/m.count/readings?from=2020-01-01T00:00:00Z&limit=10000`)
  const { items } = (await response.json()) as { items: { value: number | null }[] }
  return items.flatMap(({ value }) => (value === null ? [] : [value]))
}
