// `telemetryx gateway`: runs the gateway in the foreground until it is told to stop.

import type { Command } from 'commander'
import { beginGateway } from '#gateway/begin.ts'
import { CONFIG_FILE_HELP } from './config-file.ts'
import { logLevelOption } from './log-level.ts'
import type { GatewayCommandOptions } from './run-gateway.ts'

export function registerGateway(program: Command): void {
  program
    .command('gateway')
    .summary('run the gateway')
    .description(
      'Runs the gateway in the foreground: reads its devices, checks, stores and forwards, and serves the dashboard. ' +
        'Logs to standard error, one JSON object a line. SIGTERM and Ctrl-C store everything, then end it; a second one ends it at once. ' +
        'SIGHUP takes up the configuration file as it is now; only what has changed restarts.',
    )
    .option('-c, --config <file>', CONFIG_FILE_HELP)
    .option('--data <dir>', 'data folder, instead of the one in the configuration')
    .addOption(logLevelOption())
    .option('--json', 'print the addresses as one line of JSON')
    .addHelpText('after', '\nExample:\n  telemetryx gateway -c /etc/telemetryx/gateway.yaml --data /var/lib/telemetryx')
    .action(async (options: GatewayCommandOptions) => {
      const begun = beginGateway()
      const { runGateway } = await import('./run-gateway.ts')
      await runGateway(options, begun)
    })
}
