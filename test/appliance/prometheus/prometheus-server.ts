// A real Prometheus, with our rules, that scrapes what it is told.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { PACKAGE_ROOT } from '#gateway/version.ts'

export const PROMETHEUS_FOLDER = join(PACKAGE_ROOT, 'docker', 'prometheus')
export const hasPrometheus = isThere('prometheus') && isThere('promtool')

function isThere(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
}

export interface Prometheus {
  /** Instant query: its samples. */
  query(expression: string): Promise<readonly { metric: Record<string, string>; value: [number, string] }[]>
  get<T>(path: string): Promise<T>
  stop(): Promise<void>
}

interface Configuration {
  readonly global: Record<string, string>
  readonly scrape_configs: { job_name: string; authorization?: unknown; static_configs: { targets: string[] }[] }[]
}

/** Our configuration with other targets, and in a hurry: scrapes and evaluates twice a second. */
export function configurationFor(text: string, targets: Readonly<Record<string, string>>): string {
  const configuration = parse(text) as Configuration
  const jobs = configuration.scrape_configs.filter(({ job_name }) => targets[job_name] !== undefined)
  for (const job of jobs) {
    delete job.authorization
    job.static_configs = [{ targets: [targets[job.job_name]!] }]
  }
  const global = { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' }
  return stringify({ ...configuration, global, scrape_configs: jobs })
}

export async function startPrometheus(configuration: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-prometheus-'))
  cpSync(join(PROMETHEUS_FOLDER, 'rules'), join(folder, 'rules'), { recursive: true })
  writeFileSync(join(folder, 'prometheus.yml'), configuration)
  const port = await freePort()
  const child = spawn(
    'prometheus',
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)
    const { data, error } = (await response.json()) as { data: T; error?: string }
    if (error !== undefined) throw new Error(`${path}: ${error}`)
    return data
  }
  await vi
    .waitFor(
      async () => {
        if (child.exitCode !== null) throw new Error(`Prometheus ended: ${log}`)
        expect((await fetch(`http://127.0.0.1:${port}/-/ready`)).status).toBe(200)
      },
      { timeout: 30_000, interval: 100 },
    )
    .catch(async (error: unknown) => {
      await stop()
      throw error
    })
  const query: Prometheus['query'] = async (expression) =>
    (await get<{ result: Awaited<ReturnType<Prometheus['query']>> }>(`query?query=${encodeURIComponent(expression)}`))
      .result
  return { query, get, stop }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
