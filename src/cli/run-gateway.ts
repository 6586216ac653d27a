// The work of `telemetryx gateway`, which is loaded when it is called.

import { resolve } from 'node:path'
import type { GatewayConfig } from '#config/gateway-config.ts'
import { loadGatewayConfig, type Catalogue, type LoadResult } from '#config/load.ts'
import { afterLoading } from '#gateway/after-loading.ts'
import type { BegunGateway } from '#gateway/begin.ts'
import { finishInterrupted } from '#gateway/configuration-start.ts'
import { loadCatalogue } from '#gateway/driver-packages.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { runningGateway } from '#gateway/running-gateway.ts'
import { serviceManager } from '#gateway/service-manager.ts'
import { ServiceReports } from '#gateway/service-reports.ts'
import { systemClock } from '#kit/clock.ts'
import { withPriorities } from '#kit/journal-prefix.ts'
import { createLogger, standardError } from '#kit/logger.ts'
import { RecentLines } from '#kit/recent-lines.ts'
import { configFile, counted, problemLines } from './config-file.ts'
import { EXIT_CONFIG } from './exit-codes.ts'
import type { LogLevel } from './log-level.ts'
import { reloadOnHangup } from './on-hangup.ts'
import { STOP_DEADLINE_MS } from './service-command.ts'
import { untilSignal } from './until-signal.ts'

export interface GatewayCommandOptions {
  readonly json?: true
  readonly config?: string
  readonly data?: string
  readonly logLevel: LogLevel
}

export async function runGateway(options: GatewayCommandOptions, begun: BegunGateway): Promise<void> {
  const file = configFile(options.config)
  const catalogue = await loadCatalogue(file, { clock: systemClock })
  const loaded = await loadWhole(file, catalogue, options.data)
  if (!loaded.ok) {
    console.error(problemLines(loaded.problems, process.stderr))
    console.error(`${counted(loaded.problems.length, 'problem')}: the gateway does not start`)
    process.exitCode = EXIT_CONFIG
    return
  }
  const stop = untilSignal(systemClock)
  const config = options.data === undefined ? loaded.config : { ...loaded.config, data: resolve(options.data) }
  const recent = new RecentLines()
  const log = createLogger({
    level: options.logLevel,
    destination: recent.tee(withPriorities(standardError(), process.env)),
  })
  let running: Gateway | null = null
  let reports: ServiceReports | null = null
  const manager = serviceManager(process.env, log)
  reloadOnHangup(() => running, log, { before: () => void manager?.reloading(), after: () => void reports?.ready() })
  const gateway = await startGateway({
    config,
    catalogue,
    clock: systemClock,
    log,
    random: Math.random,
    source: { file: resolve(file), env: process.env, loaded },
    recentLog: () => recent.lines(),
    begun,
    afterLoading,
  })
  running = gateway
  reports = manager && new ServiceReports({ gateway, manager, clock: systemClock, log })
  reports?.start()
  tellAddresses(gateway, options.json === true)
  const signal = await stop
  log.info({ signal }, 'Asked to stop')
  const told = reports?.stop()
  await gateway.stop({ deadlineMs: STOP_DEADLINE_MS })
  await told
}

function tellAddresses({ url, setupUrl }: Gateway, isJson: boolean): void {
  if (isJson) return console.log(JSON.stringify({ url, setupUrl }))
  console.log(`Dashboard: ${url}`)
  if (setupUrl !== null) console.log(`First user: open ${setupUrl} once`)
}

/** The configuration, after a change that was broken off between two of its files has been finished. */
async function loadWhole(
  file: string,
  catalogue: Catalogue,
  data: string | undefined,
): Promise<LoadResult<GatewayConfig>> {
  const options = { catalogue, env: process.env, ...(data !== undefined && { dataDir: resolve(data) }) }
  const loaded = await loadGatewayConfig(file, options)
  const dataDir = data ?? (loaded.ok ? loaded.config.data : null)
  if (dataDir === null || runningGateway(dataDir) !== null) return loaded
  const isChanged = await finishInterrupted(resolve(dataDir), resolve(file))
  return isChanged ? loadGatewayConfig(file, options) : loaded
}
