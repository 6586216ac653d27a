// Simulated Modbus devices read by the real driver: every type as it was meant, every fault as what it is, never a wrong value.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { freePort } from '#cli/free-port.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import type { ModbusSensorConfig } from '#drivers/modbus/schema.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { systemClock } from '#kit/clock.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { SimulationFiles } from '#simulate/files.ts'
import { SimulationSchema } from '#simulate/schema.ts'
import { Simulation, type SimulationEvent, type StartedDevice } from '#simulate/simulation.ts'
import { modbusSetup } from '#test/drivers/modbus/modbus-device.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RecordingContext, RecordingSink } from '#test/sim/recording-sink.ts'
import { hasSocat } from '#test/sim/serial-pty.ts'

const NEVER = new AbortController().signal
const folder = mkdtempSync(join(tmpdir(), 'telemetryx-simulation-'))
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Started {
  readonly clock: ManualClock
  readonly places: readonly StartedDevice[]
  readonly events: SimulationEvent[]
}

async function simulated(...devices: object[]): Promise<Started> {
  const clock = new ManualClock()
  const events: SimulationEvent[] = []
  const spec = Value.Decode(SimulationSchema, { devices })
  const simulation = new Simulation({
    ...spec,
    clock,
    files: new SimulationFiles(folder),
    dir: folder,
    onEvent: (event) => events.push(event),
  })
  closers.push(() => simulation.stop())
  return { clock, places: await simulation.start(), events }
}

/** A device of the real driver, with real time. */
function reader(sensors: readonly ModbusSensorConfig[], connection: object) {
  const driver = modbusDriver({ clock: systemClock })
  const setup = modbusSetup({ sensors, connection: { timeout: 1000, ...connection } })
  const device = driver.open(setup, new RecordingContext())
  closers.push(() => device.close())
  const poll = async (): Promise<RecordingSink> => {
    const sink = new RecordingSink()
    await device.poll(0, sink, NEVER)
    return sink
  }
  return { device, poll }
}

const at = (places: readonly StartedDevice[]) => ({ host: '127.0.0.1', port: Number(places[0]!.where.split(':')[1]) })

const TYPES = {
  int16: -12_345,
  uint16: 54_321,
  int32: -1_234_567_890,
  uint32: 3_234_567_890,
  float32: 1.5,
  float64: -1234.56789,
} as const
const ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const

const POINT = { id: 'p', register: 'holding', address: 0, value: 4242 }
const SENSOR: ModbusSensorConfig = { register: 'holding', address: 0 }

describe('a simulated Modbus device', () => {
  it('holds every type in every order as the driver reads it, and keeps what is written', async () => {
    const points = Object.entries(TYPES).flatMap(([type, value], index) =>
      ORDERS.map((order, turn) => ({
        id: `${type}-${order}`.toLowerCase(),
        register: 'input',
        address: index * 16 + turn * 4,
        type,
        order,
        value,
      })),
    )
    const written = {
      id: 'setpoint',
      register: 'holding',
      address: 3,
      type: 'int32',
      order: 'CDAB',
      factor: 0.1,
      value: 6.5,
    }
    const { places } = await simulated({ id: 'a', protocol: 'modbus-tcp', port: 0, points: [...points, written] })
    const sensors = [...points, written].map(({ register, address, type, order }) => ({
      register,
      address,
      type,
      order,
    }))
    const { device, poll } = reader(sensors as ModbusSensorConfig[], at(places))
    await device.connect(NEVER)
    expect((await poll()).values).toEqual([...points.map(({ value }) => value), 65])
    await device.write!(points.length, 123, NEVER)
    expect((await poll()).values.at(-1)).toBe(123)
  })

  it('refuses what it has not, and tells who it is only when it is described so', async () => {
    const { places } = await simulated({ id: 'a', protocol: 'modbus-tcp', port: 0, holes: 'refuse', points: [POINT] })
    const { device, poll } = reader([SENSOR, { register: 'holding', address: 40 }], at(places))
    await device.connect(NEVER)
    const sink = await poll()
    expect([sink.only(0), sink.only(1)]).toEqual([{ value: 4242 }, { bad: 'BadNodeIdUnknown' }])
  })

  it.each([
    ['silence', 'TIMEOUT'],
    ['late', 'TIMEOUT'],
    ['garbage', 'PROTOCOL'],
    ['half-frame', 'PROTOCOL'],
    ['wrong-unit', 'PROTOCOL'],
    ['wrong-transaction', 'PROTOCOL'],
    ['hang-up', 'CONNECTION_LOST'],
    ['refuse', 'CONNECTION_LOST'],
  ])('with the fault %s fails with %s, and is good again afterwards', async (type, code) => {
    const faults = [{ type, at: '1s', for: '2s' }]
    const { clock, places, events } = await simulated({
      id: 'a',
      protocol: 'modbus-tcp',
      port: 0,
      points: [POINT],
      faults,
    })
    const { device, poll } = reader([SENSOR], at(places))
    await device.connect(NEVER)
    expect((await poll()).values).toEqual([4242])
    await clock.advance(1100)
    const failure = await poll().then(
      ({ values }) => values,
      (error: unknown) => error,
    )
    expect(isTelemetryError(failure) ? failure.code : failure).toBe(code)
    if (type === 'refuse') await expect(device.connect(NEVER)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
    await clock.advance(2000)
    await device.close()
    await expect
      .poll(
        () =>
          device.connect(NEVER).then(
            () => true,
            () => false,
          ),
        EVENTUALLY,
      )
      .toBe(true)
    expect((await poll()).values).toEqual([4242])
    expect(events.map(({ text }) => text)).toEqual([`${type} begins`, `${type} ends`])
  })

  it('refuses with the exception that was asked for, of one unit beside a healthy one', async () => {
    const port = await freePort(0)
    const faults = [{ type: 'exception', code: 6, at: '0s', for: '1s', every: '10s' }]
    const { clock, places } = await simulated(
      { id: 'a', protocol: 'modbus-tcp', port, points: [POINT], faults },
      { id: 'b', protocol: 'modbus-tcp', port, unit: 2, points: [{ ...POINT, value: 7 }] },
    )
    expect(places.map(({ where }) => where)).toEqual([`127.0.0.1:${port}`, `127.0.0.1:${port}`])
    const one = reader([SENSOR], at(places))
    const two = reader([SENSOR], { ...at(places), unit: 2 })
    await Promise.all([one.device.connect(NEVER), two.device.connect(NEVER)])
    expect((await one.poll()).only(0)).toEqual({ bad: 'BadTooManyOperations' })
    expect((await two.poll()).values).toEqual([7])
    await clock.advance(2000)
    expect((await one.poll()).values).toEqual([4242])
    await clock.advance(8200)
    expect((await one.poll()).only(0)).toEqual({ bad: 'BadTooManyOperations' })
  })

  it.skipIf(!hasSocat)('is read over a serial line, with its faults (needs socat)', async () => {
    const path = join(folder, 'rtu')
    const faults = ['garbage', 'half-frame', 'wrong-unit', 'silence'].map((type, index) => ({
      type,
      at: `${index + 1}s`,
      for: '500ms',
    }))
    const { clock } = await simulated({ id: 'a', protocol: 'modbus-rtu', path, unit: 3, points: [POINT], faults })
    const { device, poll } = reader([SENSOR], { transport: 'rtu', path, unit: 3 })
    await device.connect(NEVER)
    expect((await poll()).values).toEqual([4242])
    await device.write!(0, 17, NEVER)
    for (let fault = 0; fault < faults.length; fault++) {
      await clock.advance(fault === 0 ? 1100 : 500)
      await expect(poll()).rejects.toMatchObject({ code: expect.stringMatching(/TIMEOUT|PROTOCOL/) })
      await clock.advance(500)
      await expect.poll(() => poll().then(({ values }) => values, String), EVENTUALLY).toEqual([17])
    }
  })

  it('stands in for a device whose frames were recorded', async () => {
    const { places } = await simulated({
      id: 'a',
      protocol: 'modbus-tcp',
      port: 0,
      points: [{ ...POINT, signal: { type: 'counter' }, value: undefined }],
    })
    const original = reader([SENSOR], at(places))
    await original.device.connect(NEVER)
    await original.poll()
    await original.poll()
    const items = original.device.frames!().map(({ time, direction, bytes }) => ({
      time: new Date(time).toISOString(),
      direction,
      bytes: Buffer.from(bytes).toString('hex'),
    }))
    writeFileSync(join(folder, 'recorded.json'), JSON.stringify({ items, next: null }))
    const replayed = await simulated({ id: 'r', protocol: 'replay', port: 0, frames: 'recorded.json' })
    const copy = reader([SENSOR], at(replayed.places))
    await copy.device.connect(NEVER)
    expect((await copy.poll()).values).toEqual([0])
    const unasked = reader([{ register: 'coil', address: 9 }], at(replayed.places))
    await unasked.device.connect(NEVER)
    await expect(unasked.poll()).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})
