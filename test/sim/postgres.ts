// A PostgreSQL server of the tests' own: Debian's binaries, a folder in the temporary files, a free port, killed by its process id.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = '/usr/lib/postgresql'
const BIN = newestBin()

/** The server's programs are installed, and we may run them as somebody who is not root. */
export const hasPostgres = BIN !== null && (process.getuid?.() !== 0 || serverUser() !== null)

export interface PostgresPeer {
  /** Of the superuser, database `postgres`. */
  readonly url: string
  readonly pid: number
  /** Runs SQL as the superuser through psql: a client that is not ours. Answers its output, one row a line. */
  psql(sql: string): string
  /** As a power cut of the process: SIGKILL for it and all its backends. */
  kill(): Promise<void>
  /** Starts it again on the same port. */
  restart(): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/** @param settings more lines of postgresql.conf, by name. */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<PostgresPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-postgres-'))
  const data = join(folder, 'data')
  const user = process.getuid?.() === 0 ? serverUser() : null
  if (user) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o700)
  const options = { cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' }, ...user }
  const made = spawnSync(
    join(BIN!, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    {
      ...options,
      encoding: 'utf8',
    },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  const port = await freePort()
  const flags = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings }
  const args = ['-D', data, ...Object.entries(flags).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`

  let server = await launch(args, options, url)
  const hasEnded = (): boolean => server.exitCode !== null || server.signalCode !== null
  const kill = async (): Promise<void> => {
    if (hasEnded()) return
    const exited = once(server, 'exit')
    server.kill('SIGSTOP') // it begins no further process meanwhile
    const backends = childrenOf(server.pid!)
    server.kill('SIGKILL')
    for (const pid of backends) killUnlessGone(pid)
    await exited
    while (backends.some(isAlive)) await pause(10)
  }
  return {
    url,
    get pid() {
      return server.pid!
    },
    psql: (sql) => psql(url, sql),
    kill,
    restart: async () => {
      server = await launch(args, options, url)
    },
    stop: async () => {
      if (!hasEnded()) {
        const exited = once(server, 'exit')
        server.kill('SIGINT') // fast shutdown
        await exited
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type SpawnPlace = { cwd: string; env: NodeJS.ProcessEnv; uid?: number; gid?: number }

/** Starts it, again while the backends of a killed one still hold the shared memory, and waits until it answers. */
async function launch(args: readonly string[], place: SpawnPlace, url: string): Promise<ChildProcess> {
  for (let attempt = 0; ; attempt++) {
    const server = spawn(join(BIN!, 'postgres'), args, { ...place, stdio: ['ignore', 'ignore', 'pipe'] })
    let words = ''
    server.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-4000)))
    while (server.exitCode === null && server.signalCode === null) {
      if (isReady(url)) return server
      await pause(50)
    }
    if (attempt === 100) throw new Error(`PostgreSQL does not start: ${words}`)
    await pause(100)
  }
}

function isReady(url: string): boolean {
  return spawnSync(join(BIN!, 'psql'), [url, '-Atqc', 'SELECT 1'], { stdio: 'ignore' }).status === 0
}

function psql(url: string, sql: string): string {
  const run = spawnSync(join(BIN!, 'psql'), [url, '-Atq', '-v', 'ON_ERROR_STOP=1', '-c', sql], { encoding: 'utf8' })
  if (run.status !== 0) throw new Error(run.stderr)
  return run.stdout.trimEnd()
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

function killUnlessGone(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause
  }
}

/** Of a process that has ended, until somebody asks for its exit code, only a shell is left. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function newestBin(): string | null {
  const versions = existsSync(ROOT) ? readdirSync(ROOT).sort((a, b) => Number(b) - Number(a)) : []
  const bin = versions.map((version) => join(ROOT, version, 'bin')).find((path) => existsSync(join(path, 'initdb')))
  return bin ?? null
}

/** PostgreSQL refuses to run as root; Debian's package makes this user. */
function serverUser(): { uid: number; gid: number } | null {
  const uid = spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' })
  const gid = spawnSync('id', ['-g', 'postgres'], { encoding: 'utf8' })
  return uid.status === 0 && gid.status === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : null
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
