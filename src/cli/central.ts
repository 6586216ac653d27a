// `telemetryx central`: runs central in the foreground until it is told to stop.

import type { Command } from 'commander'
import { startCentral } from '#central/central.ts'
import { loadCentralConfig, parseCentralConfig } from '#config/central-load.ts'
import { registerService } from './service-command.ts'

export function registerCentral(program: Command): void {
  registerService(program, {
    name: 'central',
    title: 'central',
    summary: 'run central: many gateways, many tenants, one API',
    description:
      'Runs central in the foreground: what gateways synchronise with, and what people and programs ask of all of them. ' +
      'Without a configuration it serves this machine alone, with an embedded database in ./central-data. ' +
      'Logs to standard error, one JSON object a line. SIGTERM and Ctrl-C settle what is under way, then end it.',
    examples: ['telemetryx central -c /etc/telemetryx/central.yaml'],
    files: ['config/central.yaml', '/etc/telemetryx/central.yaml'],
    load: (file) =>
      file === undefined
        ? parseCentralConfig('version: 1\n', 'central.yaml', {})
        : loadCentralConfig(file, process.env),
    start: (config, surroundings) => startCentral({ config, ...surroundings }),
    addresses: ({ ports, setupUrl, url }) => ({
      json: { api: `${url}/api/v1`, ...ports, setup: setupUrl },
      lines: [
        `API: ${url}/api/v1/docs`,
        ...(ports.grpc === null ? [] : [`gRPC: ${ports.grpc}`]),
        ...(ports.line === null ? [] : [`Lines: ${ports.line}`]),
        ...(setupUrl === null ? [] : [`First user: open ${setupUrl} once`]),
      ],
    }),
  })
}
