// What the API shows of a Modbus device, through acquisition: its plan and its frames.

import { expect, it, vi } from 'vitest'
import { createAcquisition } from '#acquisition/acquisition.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { RecordingSink } from '#test/sim/recording-sink.ts'
import { holdings, modbusSetup, NEVER } from './modbus-device.ts'

it('a running device shows its requests before and after planning, and its last frames', async () => {
  const slave = await RawModbusSlave.start()
  const acquisition = createAcquisition({
    clock: systemClock,
    log: silentLogger,
    registry: new Registry(),
    random: () => 0.5,
    sink: new RecordingSink(),
    hasRoom: () => true,
    sensorQuality: () => null,
    devices: [
      {
        setup: modbusSetup({ port: slave.port, sensors: holdings(0, 1, 5, 500) }),
        driver: modbusDriver({ clock: systemClock }),
        machine: 'machine',
      },
    ],
  })
  await acquisition.start(NEVER)
  await vi.waitFor(() => expect(acquisition.frames!('device')!.length).toBeGreaterThanOrEqual(4), EVENTUALLY)
  expect(acquisition.get('device')!.plan).toEqual({ pointRequests: 4, requests: 2 })
  const [first, second] = acquisition.frames!('device')!
  expect([first!.direction, second!.direction]).toEqual(['sent', 'received'])
  expect(Buffer.from(first!.bytes).toString('hex')).toBe('000100000006010300000006')
  expect(() => acquisition.frames!('nope')).toThrow('There is no device')
  await acquisition.stop(NEVER)
  await slave.stop()
})
