// The configuration in the driver's README is read by the gateway's own parser, and works.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { RecordingContext, RecordingSink } from '#test/sim/recording-sink.ts'
import { NEVER, sensorOf } from './modbus-device.ts'

const readme = readFileSync(join(import.meta.dirname, '../../../drivers/modbus/README.md'), 'utf8')
const yaml = /```yaml\n([\s\S]*?)```/.exec(readme)![1]!

function parse(text: string) {
  const driver = modbusDriver({ clock: new ManualClock() })
  const catalogue = { drivers: new Map([[driver.kind, driver]]), uplinks: new Map() }
  return { driver, result: parseGatewayConfig(text, { file: 'README.yaml', catalogue, env: {} }) }
}

it('reads true values from two units over one connection', async () => {
  const slave = await RawModbusSlave.start()
  const { driver, result } = parse(
    yaml
      .replaceAll('192.0.2.10', '127.0.0.1')
      .replace('port: 502', `port: ${slave.port}`)
      .replace('unit: 7 }', `unit: 7, port: ${slave.port} }`),
  )
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  slave.words.set([0x0000, 0x41b8], 100) // 23.0, words swapped
  slave.words.set([0x1234, 0x5678], 102)
  slave.words.set([0b1000, 215], 104)
  slave.words.set([0x4142, 0x4300], 110)
  slave.words.set([1, 0, 0, 0, 1], 0)
  slave.words.set([0x0020, 0, 0, 1, 0xffff, 0xfffb], 8)

  const values = []
  const devices = []
  for (const config of result.config.devices) {
    const points = config.sensors.map((sensor, number) => ({
      sensor: sensorOf(number, { register: 'holding', address: 0 }),
      config: sensor.config,
    }))
    const device = driver.open(
      { id: config.id, config: config.config, groups: [{ intervalMs: config.pollMs, points }] },
      new RecordingContext(),
    )
    await device.connect(NEVER)
    const sink = new RecordingSink()
    await device.poll(0, sink, NEVER)
    values.push(sink.values)
    devices.push(device)
  }
  expect(slave.accepted).toBe(1)
  const [press, meter] = values
  expect(new Set(press)).toEqual(new Set([23, 9_007_199_254_740_993n, 12_345_678, 1, 'ABC', 215]))
  expect(meter).toEqual([-5])
  for (const device of devices) await device.close()
  await slave.stop()
})

it('is told with its place what is wrong in it', () => {
  const { result } = parse(yaml.replace('type: int16', 'type: int16, bit: 2').replace('address: 102', 'address: 65535'))
  if (result.ok) throw new Error('It was accepted')
  const lines = yaml.split('\n')
  const lineOf = (id: string): number => lines.findIndex((line) => line.includes(`id: ${id}`)) + 1
  expect(result.problems.map(({ line }) => line)).toEqual([lineOf('strokes'), lineOf('setpoint')])
})
