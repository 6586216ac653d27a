// What an installed gateway costs, by `telemetryx gateway` in a process of its own on Modbus TCP simulators in another: start to first
// reading, memory at rest and at 10,000 sensors at 1 Hz, processor at 1,000, the time after a kill -9, the size of the package.

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GatewayProcess, makePlant } from './appliance/gateway-process.ts'
import type { BenchOptions, Figures } from './run.ts'

const RATED = 1000
const LARGE = 10_000
const DIST = fileURLToPath(new URL('../dist/', import.meta.url))

export async function run({ seconds }: BenchOptions): Promise<Figures> {
  const cache = mkdtempSync(join(tmpdir(), 'telemetryx-bench-cache-'))
  try {
    const rest = await atRest(seconds, cache)
    return { ...rest, ...(await rated(seconds, cache)), ...(await large(seconds, cache)), ...packageSize() }
  } finally {
    rmSync(cache, { recursive: true, force: true })
  }
}

async function atRest(seconds: number, cache: string): Promise<Figures> {
  const gateway = await GatewayProcess.start(null, cache)
  try {
    await gateway.settle(seconds)
    return { firstStartToServingMs: gateway.servingMs, restRssBytes: gateway.rssBytes() }
  } finally {
    await gateway.end()
  }
}

async function rated(seconds: number, cache: string): Promise<Figures> {
  const plant = await makePlant(RATED)
  const gateway = await GatewayProcess.start(plant, cache)
  try {
    const startToServingMs = gateway.servingMs
    await gateway.settle(seconds)
    const { corePercent, readingsPerSecond } = await gateway.load(seconds)
    const ratedRssBytes = gateway.rssBytes()
    const startToFirstReadingMs = await gateway.firstReadingMs() // asks the history, whose thread takes 40 MB from then on
    await gateway.killAndRestart()
    const killToServingMs = gateway.servingMs
    const killToFirstReadingMs = await gateway.firstReadingMs()
    const killToEverySensorMs = await gateway.readingsMs(RATED)
    return {
      startToServingMs,
      startToFirstReadingMs,
      killToServingMs,
      killToFirstReadingMs,
      killToEverySensorMs,
      rated1000CorePercent: corePercent,
      offeredPerSecondRated: readingsPerSecond,
      rated1000RssBytes: ratedRssBytes,
    }
  } finally {
    await gateway.end()
    await plant.stop()
  }
}

async function large(seconds: number, cache: string): Promise<Figures> {
  const plant = await makePlant(LARGE)
  const gateway = await GatewayProcess.start(plant, cache)
  try {
    await gateway.readingsMs(1)
    await gateway.settle(2 * seconds)
    const { corePercent, readingsPerSecond } = await gateway.load(seconds)
    return {
      large10000CorePercent: corePercent,
      offeredPerSecondLarge: readingsPerSecond,
      large10000RssBytes: gateway.rssBytes(),
    }
  } finally {
    await gateway.end()
    await plant.stop()
  }
}

/** Of the packages that `npm run package` has built; nothing when it has not. */
function packageSize(): Figures {
  const files = existsSync(DIST) ? readdirSync(DIST).filter((name) => name.endsWith('.deb')) : []
  return Object.fromEntries(
    files.map((name) => [`package${/amd64/.test(name) ? 'Amd64' : 'Arm64'}Bytes`, statSync(DIST + name).size]),
  )
}
