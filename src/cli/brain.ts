// `telemetryx brain`: runs the brain in the foreground until it is told to stop.

import type { Command } from 'commander'
import { startBrain } from '#brain/brain.ts'
import { brainServices } from '#brain/services.ts'
import { loadBrainConfig, parseBrainConfig } from '#config/brain-load.ts'
import { registerService } from './service-command.ts'

export function registerBrain(program: Command): void {
  registerService(program, {
    name: 'brain',
    title: 'the brain',
    summary: 'run the brain: rules and analysis over gRPC',
    description:
      'Runs the brain in the foreground: takes records of gateways, evaluates rules, carries out their actions, analyses. ' +
      'Without a configuration it serves this machine alone, with an embedded database in ./brain. ' +
      'Logs to standard error, one JSON object a line. SIGTERM and Ctrl-C acknowledge what is under way, then end it.',
    examples: ['telemetryx brain -c /etc/telemetryx/brain.yaml', 'grpcurl -plaintext 127.0.0.1:50051 list'],
    files: ['config/brain.yaml', '/etc/telemetryx/brain.yaml'],
    load: (file) =>
      file === undefined ? parseBrainConfig('version: 1\n', 'brain.yaml', {}) : loadBrainConfig(file, process.env),
    start: (config, surroundings) => startBrain({ config, ...surroundings, services: brainServices(config) }),
    addresses: ({ ports }, { http, listen, tls }) => {
      const json = {
        grpc: `${tls ? 'grpcs' : 'grpc'}://${authority(listen.host, ports.grpc)}`,
        http: `http://${authority(http.host, ports.http)}`,
      }
      return { json, lines: [`gRPC: ${json.grpc}`, `HTTP: ${json.http}/readyz`] }
    },
  })
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
