// The real API with the built dashboard in front of the fixture's plant. Started by the browser tests; by hand:
// node test/e2e/fixture-server.ts [port] [extra machines]

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createApi } from '#api/server.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { FixturePlant } from './fixture-plant.ts'

export interface FixtureServerOptions {
  /** Default: a free one. */
  readonly port?: number
  readonly extraMachines?: number
  readonly auth?: 'required' | 'none'
  /** The built dashboard; default: dist/ui. */
  readonly dashboardDir?: string
}

export interface FixtureServer {
  readonly url: string
  readonly setupUrl: string | null
  readonly plant: FixturePlant
  stop(): Promise<void>
}

export async function startFixtureServer(options: FixtureServerOptions = {}): Promise<FixtureServer> {
  const plant = new FixturePlant(options.extraMachines)
  const dataDir = await mkdtemp(join(tmpdir(), 'telemetryx-e2e-'))
  const api = createApi({
    info: plant.info,
    latest: plant.latest,
    alarms: plant.alarms,
    checks: plant.checks,
    history: plant.history,
    devices: plant.devices,
    uplinks: plant.uplinks,
    registry: new Registry(),
    http: { host: '127.0.0.1', port: options.port ?? 0, auth: options.auth ?? 'none' },
    dataDir,
    dashboardDir: options.dashboardDir ?? fileURLToPath(new URL('../../dist/ui', import.meta.url)),
    clock: systemClock,
    log: silentLogger,
  })
  await api.start(new AbortController().signal)
  plant.start()
  return {
    url: api.url,
    setupUrl: api.setupUrl,
    plant,
    stop: async () => {
      plant.stop()
      await api.stop(AbortSignal.timeout(2000))
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, extraMachines] = process.argv.slice(2).map(Number)
  const server = await startFixtureServer({
    ...(port === undefined ? {} : { port }),
    ...(extraMachines === undefined ? {} : { extraMachines }),
  })
  process.stdout.write(`${server.url}\n`)
}
