// Many values at once: none is lost, and the driver keeps nothing back.

import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'
import { Folder, NEVER, openDevice, startServer, type OpcuaServer } from './bench.ts'

const SENSORS = 1000
const TURNS = 20
const FIRST = 1_000_000 // what the ramp begins with
const folder = new Folder()
let server: OpcuaServer

beforeAll(async () => {
  server = await startServer({ pki: folder.at('server'), bulk: SENSORS })
})
afterAll(async () => {
  await server.kill()
  folder.remove()
})

it('receives every change of 1000 sensors at 10 Hz, in order', async () => {
  const sensors = Array.from({ length: SENSORS }, (_, index) => ({ name: `Bulk${index}` }))
  const config = { publishInterval: 250, queueSize: 100 }
  const { device, sink, context } = openDevice({
    endpoint: server.endpoint,
    pkiDir: folder.at('client'),
    sensors,
    config,
  })
  await device.connect(NEVER)
  await device.subscribe!(sink, NEVER)
  await vi.waitFor(() => expect(sink.readings.size).toBe(SENSORS), EVENTUALLY)
  await server.ramp(100)
  await vi.waitFor(
    () => expect(sensors.every(({ name }) => Number(sink.last(name)?.value) >= FIRST + TURNS)).toBe(true),
    EVENTUALLY,
  )
  await device.close()
  for (const [index, { name }] of sensors.entries()) {
    const values = sink.readings.get(name)!.map(({ value }) => value)
    expect(values.slice(0, TURNS + 1)).toEqual([index, ...Array.from({ length: TURNS }, (_, turn) => FIRST + turn)])
  }
  expect(context.errors.size).toBe(0)
})
