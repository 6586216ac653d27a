// `telemetryx version`: what runs here.

import type { Command } from 'commander'
import { installedLicences } from '#gateway/licences.ts'
import { PACKAGE_ROOT, packageVersion } from '#gateway/version.ts'
import { table } from './table.ts'

export function registerVersion(program: Command): void {
  program
    .command('version')
    .summary('print the version and what it runs on')
    .description('Prints the version of TelemetryX, of Node.js, and the kind of machine.')
    .option('--licences', 'print the licence of each package that is installed with it')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  telemetryx version --json\n  telemetryx version --licences')
    .action(printVersion)
}

async function printVersion(options: { readonly json?: true; readonly licences?: true }): Promise<void> {
  if (options.licences) {
    const items = await installedLicences(`${PACKAGE_ROOT}dist/ui`)
    if (options.json) console.log(JSON.stringify(items))
    else
      console.log(
        table(
          ['NAME', 'VERSION', 'LICENCE'],
          items.map(({ name, version, license }) => [name, version, license]),
        ),
      )
    return
  }
  const { version: node, platform, arch } = process
  const version = packageVersion()
  if (options.json) console.log(JSON.stringify({ version, node, platform, arch }))
  else console.log(`TelemetryX Edge ${version} (Node.js ${node}, ${platform} ${arch})`)
}
