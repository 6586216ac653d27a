// `telemetryx version`: what runs here.

import type { Command } from 'commander'
import { packageVersion } from '#gateway/version.ts'

export function registerVersion(program: Command): void {
  program
    .command('version')
    .summary('print the version and what it runs on')
    .description('Prints the version of TelemetryX, of Node.js, and the kind of machine.')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  telemetryx version --json')
    .action(printVersion)
}

function printVersion(options: { readonly json?: true }): void {
  const { version: node, platform, arch } = process
  const version = packageVersion()
  if (options.json) console.log(JSON.stringify({ version, node, platform, arch }))
  else console.log(`TelemetryX Edge ${version} (Node.js ${node}, ${platform} ${arch})`)
}
