// The Modbus driver against a slave in another process, beside a bare socket loop in the same run: reads of 100 registers,
// each register a point of its own. Then: what planning saves, and how punctual 200 devices are polled.
//
//   npm run bench -- modbus --json

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createAcquisition } from '#acquisition/acquisition.ts'
import type { DeviceSetup } from '#domain/driver.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { Sensor } from '#domain/sensor.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { planRequests, type Span } from '#drivers/modbus/plan-requests.ts'
import type { ModbusSensorConfig } from '#drivers/modbus/schema.ts'
import { systemClock } from '#kit/clock.ts'
import { Registry } from '#kit/metrics.ts'
import type { BenchOptions, Figures } from './run.ts'

const REGISTERS = 100
const ANSWER_BYTES = 9 + REGISTERS * 2
const WARM_UP_MS = 500
const NEVER = new AbortController().signal
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Reads done, and the processor time that they took. */
interface Run {
  readonly perSecond: number
  readonly cpuMsPer1000: number
}

export async function run({ seconds }: BenchOptions): Promise<Figures> {
  const program = join(import.meta.dirname, '../test/sim/modbus-bench-slave.ts')
  const slave = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(slave.stdout, 'data')) as [Buffer]
    const port = Number(line.toString())
    return { ...(await throughput(port, seconds)), ...planning(), ...(await punctuality(port, seconds)) }
  } finally {
    slave.kill()
  }
}

async function throughput(port: number, seconds: number): Promise<Figures> {
  const figures: Record<string, number> = {}
  for (const connections of [1, 20]) {
    // Taken in turns, so that whatever else the machine does falls on both alike; medians of three.
    const bare: Run[] = []
    const driven: Run[] = []
    for (let turn = 0; turn < 3; turn++) {
      bare.push(await measure(await bareLoops(port, connections), seconds / 3))
      driven.push(await measure(await drivenLoops(port, connections), seconds / 3))
    }
    const bareMedian = median(bare)
    const drivenMedian = median(driven)
    figures[`bareReadsPerSecond${connections}`] = bareMedian.perSecond
    figures[`readsPerSecond${connections}`] = drivenMedian.perSecond
    figures[`shareOfBare${connections}`] = drivenMedian.perSecond / bareMedian.perSecond
    figures[`bareCpuMsPer1000Reads${connections}`] = bareMedian.cpuMsPer1000
    figures[`cpuMsPer1000Reads${connections}`] = drivenMedian.cpuMsPer1000
  }
  return figures
}

function median(runs: readonly Run[]): Run {
  return runs.toSorted((a, b) => a.perSecond - b.perSecond)[runs.length >> 1]!
}

/** Something that reads as fast as it can. */
interface Loops {
  readonly reads: () => number
  stop(): Promise<void>
}

async function measure(loops: Loops, seconds: number): Promise<Run> {
  await delay(WARM_UP_MS)
  const cpuBefore = process.cpuUsage()
  const before = { reads: loops.reads(), at: performance.now() }
  await delay(seconds * 1000)
  const reads = loops.reads() - before.reads
  const cpu = process.cpuUsage(cpuBefore)
  const elapsed = performance.now() - before.at
  await loops.stop()
  return { perSecond: (reads * 1000) / elapsed, cpuMsPer1000: (cpu.user + cpu.system) / reads }
}

/** The least that any client can do: write a request, wait until the answer is whole. */
async function bareLoops(port: number, connections: number): Promise<Loops> {
  const request = Buffer.from([0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, REGISTERS])
  let reads = 0
  const sockets: Socket[] = []
  for (let index = 0; index < connections; index++) {
    const socket = connect({ host: hostOf(index), port, noDelay: true })
    await once(socket, 'connect')
    let received = 0
    socket.on('data', (chunk) => {
      received += chunk.length
      if (received < ANSWER_BYTES) return
      received = 0
      reads += 1
      socket.write(request)
    })
    socket.write(request)
    sockets.push(socket)
  }
  return {
    reads: () => reads,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function drivenLoops(port: number, connections: number): Promise<Loops> {
  const driver = modbusDriver({ clock: systemClock })
  let reads = 0
  let isOver = false
  const sink: ReadingSink = { number: () => {}, integer: () => {}, text: () => {}, bad: () => {} }
  const devices = Array.from({ length: connections }, (_, index) =>
    driver.open(deviceSetup(index, port, REGISTERS), {
      log: silent,
      now: () => Date.now(),
      lost: () => {},
      countError: () => {},
    }),
  )
  for (const device of devices) await device.connect(NEVER)
  const loops = devices.map(async (device) => {
    while (!isOver) {
      await device.poll(0, sink, NEVER)
      reads += 1
    }
  })
  return {
    reads: () => reads,
    stop: async () => {
      isOver = true
      await Promise.all(loops)
      for (const device of devices) await device.close()
    },
  }
}

/** Each device has an address of its own of 127.0.0.0/8, so that none shares a connection. */
function hostOf(index: number): string {
  return `127.0.${1 + (index >> 7)}.${1 + (index & 127)}`
}

function deviceSetup(index: number, port: number, registers: number): DeviceSetup {
  const points = Array.from({ length: registers }, (_, address) => {
    const config: ModbusSensorConfig = { register: 'holding', address }
    return { sensor: sensorOf(index * registers + address, `device-${index}`), config }
  })
  const config = { connection: { host: hostOf(index), port, timeout: 5000 } }
  return { id: `device-${index}`, config, groups: [{ intervalMs: 1000, points }] }
}

function sensorOf(number: number, device: string): Sensor {
  const name = `sensor-${number}`
  const about = { description: '', machine: device, valueType: 'number', unit: '', writable: false } as const
  return { number, id: `${device}.${name}`, device, name, ...about, scale: null, deadband: null, checks: [] }
}

/** 200 registers with holes of up to 12 between them, the same in each run. */
function planning(): Figures {
  const spans: Span[] = []
  let address = 0
  let seed = 1
  for (let point = 0; point < 200; point++) {
    seed = (seed * 48_271) % 2_147_483_647 // the minimal standard generator of Park and Miller
    spans.push({ register: 'holding', address, width: 1 })
    address += 1 + (seed % 13)
  }
  const requests = (maxGap: number): number =>
    planRequests(spans, { maxGap, maxRegisters: 125, maxBits: 2000, onePerRequest: false, zeroStart: false }).reads
      .length
  return { requestsUnplanned: spans.length, requestsOfNeighbours: requests(0), requestsPlanned: requests(8) }
}

async function punctuality(port: number, seconds: number): Promise<Figures> {
  const driver = modbusDriver({ clock: systemClock })
  const sink: ReadingSink = { number: () => {}, integer: () => {}, text: () => {}, bad: () => {} }
  const acquisition = createAcquisition({
    clock: systemClock,
    log: silent,
    registry: new Registry(),
    random: Math.random,
    sink,
    hasRoom: () => true,
    sensorQuality: () => 'good',
    devices: Array.from({ length: 200 }, (_, index) => ({
      setup: deviceSetup(index, port, 10),
      driver,
      machine: 'machine',
    })),
  })
  await acquisition.start(NEVER)
  await delay(3000) // connecting is not what is measured, but its polls are among the slowest: kept in
  await delay(Math.max(5, seconds) * 1000)
  const lags = acquisition.list().flatMap(({ lagMs }) => (lagMs === null ? [] : [lagMs]))
  const polls = acquisition.list().reduce((sum, device) => sum + device.polls, 0)
  await acquisition.stop(NEVER)
  const ordered = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b)
  const medians = ordered(lags.map(({ p50 }) => p50))
  // Of each device its slowest hundredth, and of these the one that 99 of 100 devices keep below: an upper bound.
  const worst = ordered(lags.map(({ p99 }) => p99))
  return {
    polls200Devices: polls,
    pollLagP50Ms200Devices: medians[medians.length >> 1] ?? Number.NaN,
    pollLagP99Ms200Devices: worst[Math.ceil(worst.length * 0.99) - 1] ?? Number.NaN,
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
