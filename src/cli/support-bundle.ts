// `telemetryx support-bundle`: what someone who helps from afar needs to see of a gateway, in one file, without a secret.

import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { DEFAULT_HOST } from '#config/gateway-schema.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { loadCatalogue } from '#gateway/driver-packages.ts'
import { LocalGateway } from '#gateway/local-gateway.ts'
import { bundleArchive, collectSupportBundle } from '#gateway/support-bundle.ts'
import { schemasOf } from '#gateway/redaction.ts'
import { systemClock } from '#kit/clock.ts'
import { readableSize } from './backup.ts'
import { dataFolder, withDataFolder, type DataFolder, type DataFolderOptions } from './data-folder.ts'
import { outputFile } from './output-file.ts'

interface SupportBundleOptions extends DataFolderOptions {
  readonly url?: string
  readonly token?: string
  readonly json?: true
}

const TOKEN_VARIABLE = 'TELEMETRYX_TOKEN'
const DEFAULT_PORT = 8080
const WILDCARDS = new Set(['0.0.0.0', '::', '[::]'])

export function registerSupportBundle(program: Command): void {
  withDataFolder(
    program
      .command('support-bundle')
      .summary('gather what a helper needs to see of a gateway, without secrets')
      .description(
        'Writes the configuration without its secrets and comments, the state of the gateway, of its devices with their last ' +
          'frames and of its uplinks, metrics, the last lines of the log, events and sizes of files into one archive. Of a gateway ' +
          'that does not run, what the disk has. Run as the gateway’s user it needs no token; else a gateway with users asks for one of the role engineer. Look through the ' +
          'archive before you pass it on: it holds names, addresses and values of your plant.',
      )
      .argument('<file>', 'file to write, a tar archive; compressed when it ends in .gz or .tgz'),
  )
    .option('--url <url>', 'where the gateway answers (default: as the configuration says)')
    .option('--token <token>', `token of the role engineer; better in the variable ${TOKEN_VARIABLE}`)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  telemetryx support-bundle edge-01.tgz -c /etc/telemetryx/gateway.yaml')
    .action(runSupportBundle)
}

async function runSupportBundle(file: string, options: SupportBundleOptions): Promise<void> {
  const folder = dataFolder(options)
  const { configFile, dir, sensorFiles } = folder
  const token = options.token ?? process.env[TOKEN_VARIABLE] ?? null
  const own = options.url === undefined && !token ? ownGateway(dir) : null
  const { files, isRunning, missing } = await collectSupportBundle({
    configFile,
    sensorFiles,
    dataDir: dir,
    url: own?.url ?? urlOf(options.url, folder),
    own,
    token: token === '' ? null : token,
    schemas: schemasOf(await catalogueOf(configFile)),
    env: process.env,
    now: Date.now(),
  })
  const archive = bundleArchive(files, Date.now())
  const output = await outputFile(file, { mode: 0o600 })
  try {
    await output.write(/\.t?gz$/.test(file) ? gzipSync(archive) : archive)
    await output.finish()
  } catch (error) {
    await output.abandon()
    throw error
  }
  const names = files.map(({ name }) => name)
  if (options.json) {
    console.log(JSON.stringify({ file, bytes: output.bytes, isRunning, files: names, missing }))
    return
  }
  console.log(
    `${file}: ${readableSize(output.bytes)}, ${names.length} files of ${isRunning ? 'a running gateway' : 'a gateway that does not run'}`,
  )
  for (const words of missing) console.error(`Not in it: ${words}`)
}

/** null: none runs on the folder, or it is another user's. */
function ownGateway(dataDir: string): LocalGateway | null {
  try {
    return new LocalGateway(dataDir)
  } catch {
    return null
  }
}

/** With the drivers of third parties, for the names of their secrets, as far as they can be loaded. */
async function catalogueOf(configFile: string | null) {
  try {
    if (configFile !== null) return await loadCatalogue(configFile, { clock: systemClock })
  } catch (error) {
    if (!isTelemetryError(error)) throw error
    console.error(`Drivers of the configuration cannot be loaded: ${error.message}`)
  }
  return createCatalogue({ clock: systemClock })
}

/** Throws USAGE. */
function urlOf(named: string | undefined, { configFile }: DataFolder): string | null {
  if (named !== undefined) {
    if (!/^https?:\/\//.test(named) || !URL.canParse(named))
      throw new TelemetryError('USAGE', `${named} is no URL of a gateway, for example http://127.0.0.1:8080`)
    return named.replace(/\/+$/, '')
  }
  const http = configFile === null ? {} : httpOf(readFileSync(configFile, 'utf8'))
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, isEncrypted } = http
  if (port === 0) return null
  const name = WILDCARDS.has(host) ? '127.0.0.1' : host
  const address = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name
  return `${isEncrypted ? 'https' : 'http'}://${address}:${port}`
}

function httpOf(text: string): { host?: string; port?: number; isEncrypted?: boolean } {
  const root: unknown = parse(text, { logLevel: 'silent', merge: true, uniqueKeys: false })
  const http = typeof root === 'object' && root !== null && 'http' in root ? root.http : null
  if (typeof http !== 'object' || http === null) return {}
  const port = 'port' in http ? Number(http.port) : Number.NaN
  return {
    isEncrypted: 'tls' in http && http.tls !== null,
    ...('host' in http && typeof http.host === 'string' && !http.host.includes('${') && { host: http.host }),
    ...(Number.isInteger(port) && { port }),
  }
}
