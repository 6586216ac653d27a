// A nats-server of the system with JetStream on disk, alone or as a cluster, for the tests.

import { spawnSync } from 'node:child_process'
import { anyPort, ServerProcess } from './server-process.ts'

export const hasNats = spawnSync('nats-server', ['--version']).status === 0

export interface NatsServer {
  /** `nats://127.0.0.1:PORT`. */
  readonly url: string
  /** kill -9. What JetStream has stays in its folder. */
  kill(): Promise<void>
  restart(): Promise<void>
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** @param more further arguments, for example of a cluster. */
export async function startNats(more: readonly string[] = []): Promise<NatsServer> {
  const server = await ServerProcess.start({
    command: 'nats-server',
    args: (port, folder) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder, ...more],
    ready: 'Server is ready',
  })
  return {
    url: `nats://127.0.0.1:${server.port}`,
    kill: () => server.kill(),
    restart: () => server.restart(),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    stop: () => server.stop(),
  }
}

/** Three servers that know each other; JetStream chooses its leader by itself after a while. */
export async function startNatsCluster(): Promise<NatsServer[]> {
  const ports = [await anyPort(), await anyPort(), await anyPort()]
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(',')
  return Promise.all(
    ports.map((port, index) =>
      startNats([
        '-n',
        `n${index}`,
        '--cluster_name',
        'test',
        '--cluster',
        `nats://127.0.0.1:${port}`,
        '--routes',
        routes,
      ]),
    ),
  )
}
