// A Redis of the system for the tests.

import { spawnSync } from 'node:child_process'
import { ServerProcess } from './server-process.ts'

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0

export interface RedisServer {
  readonly url: string
  /** kill -9. What it had is gone: it keeps nothing on disk. */
  kill(): Promise<void>
  restart(): Promise<void>
  /** It no longer answers, but its connections stay. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

export async function startRedis(): Promise<RedisServer> {
  const server = await ServerProcess.start({
    command: 'redis-server',
    args: (port, folder) => ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
    ready: 'Ready to accept connections',
  })
  return {
    url: `redis://127.0.0.1:${server.port}`,
    kill: () => server.kill(),
    restart: () => server.restart(),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    stop: () => server.stop(),
  }
}
