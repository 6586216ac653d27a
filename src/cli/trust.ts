// `telemetryx trust`: tells the gateway to trust a server, after a person has compared its fingerprint.

import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { TelemetryError } from '#domain/errors.ts'
import { inspectOpcuaServer } from '#gateway/opcua-tools.ts'
import { dataFolder, withDataFolder, type DataFolderOptions } from './data-folder.ts'

interface TrustOptions extends DataFolderOptions {
  readonly yes?: true
  readonly json?: true
}

export function registerTrust(program: Command): void {
  const trust = program.command('trust').summary('trust a server that the gateway reads')
  withDataFolder(
    trust
      .command('opcua')
      .summary('trust the certificate of an OPC UA server')
      .description(
        'Fetches the certificate of a server, shows it and, when you agree, trusts it from the next connection on; ' +
          'the gateway need not be restarted. Compare the fingerprint with what the server itself shows: whoever stands in ' +
          'between can show another one.',
      )
      .argument('<url>', 'endpoint of the server: opc.tcp://host:4840')
      .option('-y, --yes', 'trust it without asking')
      .option('--json', 'print the result as JSON; trusts only with --yes'),
  )
    .addHelpText(
      'after',
      '\nExample:\n  telemetryx trust opcua opc.tcp://192.0.2.20:4840 -c /etc/telemetryx/gateway.yaml',
    )
    .action(trustOpcua)
}

type Server = Awaited<ReturnType<typeof inspectOpcuaServer>>
type Certificate = Server['certificates'][number]

async function trustOpcua(url: string, options: TrustOptions): Promise<void> {
  if (!URL.canParse(url) || new URL(url).protocol !== 'opc.tcp:') {
    throw new TelemetryError('USAGE', `${url} is no OPC UA endpoint: write opc.tcp://host:4840`)
  }
  const { dir } = dataFolder(options)
  const { certificates, endpoints } = await inspectOpcuaServer(url, dir)
  if (certificates.length === 0)
    throw new TelemetryError('NOT_FOUND', `${url} shows no certificate: it has no security`)
  const results: { fingerprint: string; isTrusted: boolean; file: string | null }[] = []
  if (options.json !== true) console.log(`${url}\n  endpoints    ${endpoints.join(', ')}`)
  for (const certificate of certificates) {
    if (options.json !== true) console.log(shown(certificate))
    const isWanted = !certificate.isTrusted && (options.yes === true || (options.json !== true && (await agreed())))
    const file = isWanted ? await certificate.trust() : null
    results.push({ fingerprint: certificate.fingerprint, isTrusted: certificate.isTrusted || isWanted, file })
    if (options.json === true) continue
    if (certificate.isTrusted) console.log('It is trusted already.')
    else console.log(file === null ? 'It is not trusted.' : `Trusted: ${file}`)
  }
  if (options.json === true) console.log(JSON.stringify({ url, endpoints, certificates: results }))
}

function shown(certificate: Certificate): string {
  const { subject, issuer, fingerprint, sha1, validFrom, validTo } = certificate
  const by = issuer === subject ? 'itself' : issuer
  return [
    `  certificate  ${subject}`,
    `  signed by    ${by}`,
    `  valid        ${validFrom.slice(0, 10)} to ${validTo.slice(0, 10)}`,
    `  SHA-256      ${fingerprint}`,
    `  SHA-1        ${sha1}`,
  ].join('\n')
}

async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY) throw new TelemetryError('USAGE', 'Nobody is there to be asked: add --yes to trust it')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question('Trust this server? [y/N] ')).trim())
  } finally {
    terminal.close()
  }
}
