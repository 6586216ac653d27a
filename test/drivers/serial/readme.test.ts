// The configuration in the driver's README and the example are read by the gateway's own parser, and work.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { serialDriver } from '#drivers/serial/driver.ts'
import type { SerialSensorConfig } from '#drivers/serial/schema.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RecordingContext, RecordingSink } from '#test/sim/recording-sink.ts'
import { hasSocat, SerialPty } from '#test/sim/serial-pty.ts'
import { NEVER, sensorOf } from './serial-device.ts'

const root = join(import.meta.dirname, '../../..')
const readme = readFileSync(join(root, 'drivers/serial/README.md'), 'utf8')
const example = readFileSync(join(root, 'config/examples/serial-scale.yaml'), 'utf8')

/** Opens the device `id` of a configuration on another port. */
function openDevice(text: string, id: string, path: string) {
  const driver = serialDriver({ clock: new ManualClock() })
  const catalogue = { drivers: new Map([[driver.kind, driver]]), uplinks: new Map() }
  const moved = text.replaceAll(/path: [^,}]+/g, `path: ${path}`)
  const result = parseGatewayConfig(moved, { file: 'README.yaml', catalogue, env: {} })
  const devices = result.ok ? result.config.devices : []
  const config = devices.find((device) => device.id === id)
  if (config === undefined) throw new Error(JSON.stringify(result))
  const isHeard = driver.sendsByItself?.(config.config) ?? false
  const points = config.sensors.map((sensor, number) => ({
    sensor: sensorOf(number, sensor.config as SerialSensorConfig),
    config: sensor.config,
  }))
  const setup = { id, config: config.config, groups: [{ intervalMs: isHeard ? null : 1000, points }] }
  return driver.open(setup, new RecordingContext())
}

it.skipIf(!hasSocat)('of the README reads a scale (needs socat)', async () => {
  const pty = await SerialPty.start()
  pty.onData = () => pty.send('S    12.50 kg\r\n')
  const device = openDevice(/```yaml\n([\s\S]*?)```/.exec(readme)![1]!, 'scale-1', pty.path)
  await device.connect(NEVER)
  const sink = new RecordingSink()
  await device.poll(0, sink, NEVER)
  expect(sink.values).toEqual([12.5, 1])
  await device.close()
  await pty.stop()
})

it.skipIf(!hasSocat)('of the example hears a GPS receiver (needs socat)', async () => {
  const pty = await SerialPty.start()
  const gps = example.slice(0, example.indexOf('  - id: scale-1')) + /  - id: gps[\s\S]*?\n\n/.exec(example)![0]
  const device = openDevice(gps, 'gps', pty.path)
  await device.connect(NEVER)
  const sink = new RecordingSink()
  await device.subscribe?.(sink, NEVER)
  pty.send('$GPGLL,5300.97914,N,00259.98174,E,125926,A*28\r\n')
  pty.send('$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n')
  await vi.waitFor(() => expect(sink.values).toHaveLength(2), EVENTUALLY)
  expect(sink.values).toEqual([8, 545.4])
  await device.close()
  await pty.stop()
})
