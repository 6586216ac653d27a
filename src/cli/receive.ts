// `telemetryx receive`: a minimal receiver for uplinks, to try them out without a server of one's own.

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isLoopback } from '#config/loopback.ts'
import { TelemetryError } from '#domain/errors.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger } from '#kit/logger.ts'
import { ReceiverServer } from '#receiver/server.ts'
import { portArgument } from './port-argument.ts'
import { untilSignal } from './until-signal.ts'

const STOP_DEADLINE_MS = 5000

interface ReceiveOptions {
  readonly data: string
  readonly host: string
  readonly grpcPort: number
  readonly httpPort: number
  readonly token?: string
  readonly cert?: string
  readonly key?: string
  readonly clientCa?: string
  readonly json?: true
}

export function registerReceive(program: Command): void {
  program
    .command('receive')
    .summary('receive from uplinks, into JSON lines')
    .description(
      'Takes what gateways send by gRPC (telemetryx.v1.IngestService) and by POST /api/v1/ingest, drops repeats, and appends ' +
        'each record to DIR/GATEWAY.jsonl before it acknowledges. For trying out uplinks, and as an example of a receiver.',
    )
    .option('--data <dir>', 'folder of the files; one receiver for each folder', 'received')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--grpc-port <port>', 'port for gRPC; 0: a free one', portArgument, 50_051)
    .option('--http-port <port>', 'port for HTTP; 0: a free one', portArgument, 8090)
    .option(
      '--token <token>',
      'token that senders must show; default: TELEMETRYX_TOKEN, else none is needed on loopback',
    )
    .option('--cert <file>', 'certificate (PEM): turns on TLS, with --key')
    .option('--key <file>', 'key of the certificate (PEM)')
    .option('--client-ca <file>', 'only senders with a certificate of this authority (PEM)')
    .option('--json', 'print the addresses as one line of JSON')
    .addHelpText('after', '\nExample:\n  telemetryx receive --data received &\n  tail -f received/edge-01.jsonl')
    .action(receive)
}

async function receive(options: ReceiveOptions): Promise<void> {
  const token = options.token ?? process.env['TELEMETRYX_TOKEN'] ?? null
  if (token === null && !isLoopback(options.host))
    throw new TelemetryError('USAGE', `Without --token, everyone who reaches ${options.host} could send`)
  const server = new ReceiverServer({
    folder: resolve(options.data),
    host: options.host,
    grpcPort: options.grpcPort,
    httpPort: options.httpPort,
    tls: await tlsOf(options),
    token,
    log: createLogger({ level: 'info' }),
  })
  const stop = untilSignal(systemClock)
  await server.start()
  const scheme = options.cert === undefined ? ['grpc', 'http'] : ['grpcs', 'https']
  const grpc = `${scheme[0]}://${options.host}:${server.ports.grpc}`
  const http = `${scheme[1]}://${options.host}:${server.ports.http}/api/v1/ingest`
  console.log(options.json ? JSON.stringify({ grpc, http }) : `gRPC: ${grpc}\nHTTP: ${http}`)
  await stop
  const limit = new AbortController()
  const timer = systemClock.after(STOP_DEADLINE_MS, () => limit.abort())
  await server.stop(limit.signal)
  timer.cancel()
}

async function tlsOf({ cert, clientCa, key }: ReceiveOptions) {
  if (cert === undefined && key === undefined && clientCa === undefined) return null
  if (cert === undefined || key === undefined) throw new TelemetryError('USAGE', 'TLS needs --cert and --key')
  const clientAuthority = clientCa === undefined ? null : await pem(clientCa)
  return { cert: await pem(cert), key: await pem(key), clientCa: clientAuthority }
}

async function pem(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new TelemetryError('CONFIG_UNREADABLE', `${file} cannot be read`, { cause })
  }
}
