// What someone who helps from afar needs to see of a gateway, running or not, in a handful of text files, without a secret:
// configuration, state, devices with their last frames, metrics, log, events, and what the disk holds.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { arch, cpus, freemem, loadavg, platform, release, totalmem, uptime } from 'node:os'
import type { TObject } from 'typebox'
import { SECRETS_FOLDER, withoutLastBreak } from '#config/secret-files.ts'
import { substitute } from '#config/substitute.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { tarEnd, tarHeader, tarPadding } from '#store/backup-tar.ts'
import { GatewayClient } from './gateway-client.ts'
import type { LocalGateway } from './local-gateway.ts'
import { redactConfig, redactTable, redactText, REDACTED, secretKeys, sorted } from './redaction.ts'
import { openSql } from './stored-data.ts'
import { packageVersion } from './version.ts'

export interface SupportRequest {
  /** Absolute; null: none is known. */
  readonly configFile: string | null
  /** Files with sensors that the configuration names, absolute. */
  readonly sensorFiles: readonly string[]
  readonly dataDir: string
  /** Where a running gateway would answer; null: unknown. */
  readonly url: string | null
  readonly token: string | null
  /** The gateway of this machine, when it is to be asked in its own name instead. */
  readonly own?: LocalGateway | null
  /** Schemas whose secret keys are known by name. */
  readonly schemas: readonly TObject[]
  /** For `${NAME}` in the configuration: their values are taken out of everything else. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Unix milliseconds. */
  readonly now: number
}

export interface SupportFile {
  /** Relative, with `/`. */
  readonly name: string
  readonly content: string
}

export interface SupportBundle {
  readonly files: readonly SupportFile[]
  readonly isRunning: boolean
  /** What could not be had, in words. */
  readonly missing: readonly string[]
}

/** A tar archive. `now`: Unix milliseconds. */
export function bundleArchive(files: readonly SupportFile[], now: number): Uint8Array {
  const parts = files.flatMap(({ name, content }) => {
    const bytes = Buffer.from(content)
    return [tarHeader({ name, size: bytes.length }, now / 1000), bytes, tarPadding(bytes.length)]
  })
  return Buffer.concat([...parts, tarEnd()])
}

const ANSWER_TIMEOUT_MS = 10_000
const MAX_EVENTS = 2000
const EVENTS_SQL = `SELECT time, type, severity, source, message, data, epoch, seq FROM events ORDER BY epoch DESC, seq DESC LIMIT ${MAX_EVENTS}`

/** Never throws because of a part that cannot be had: `missing` says which and why. */
export async function collectSupportBundle(request: SupportRequest): Promise<SupportBundle> {
  const collector = new Collector(request)
  const { url, token, own } = request
  const client = url === null ? null : new GatewayClient({ url, token, own: own ?? null, timeoutMs: ANSWER_TIMEOUT_MS })
  const isRunning = client !== null && (await client.isRunning())
  collector.configuration()
  collector.disk()
  collector.events()
  if (client !== null && isRunning) await collector.gateway(client)
  else collector.missing.push(`the state of the gateway: none answers${client === null ? '' : ` at ${request.url}`}`)
  return { files: collector.finish(isRunning), isRunning, missing: collector.missing }
}

class Collector {
  readonly missing: string[] = []
  readonly #request: SupportRequest
  readonly #files: SupportFile[] = []
  #secrets: readonly string[] = []

  constructor(request: SupportRequest) {
    this.#request = request
  }

  configuration(): void {
    const { configFile, schemas, env, token, dataDir } = this.#request
    this.#secrets = sorted([...(token === null ? [] : [token]), ...this.#stored(dataDir)])
    if (configFile === null) {
      this.missing.push('the configuration: none is known; name it with -c')
      return
    }
    this.#try('the configuration', () => {
      const written = readFileSync(configFile, 'utf8')
      const redacted = redactConfig(written, secretKeys(schemas))
      // What references stand for here may not be what they stand for in the gateway's service: as far as they are known.
      const referenced = substitute(written, { env, folder: join(configFile, '..'), dataDir }).substitutions
      this.#secrets = sorted([...this.#secrets, ...redacted.secrets, ...referenced.map(({ value }) => value)])
      if (redacted.text === null)
        this.missing.push('the configuration: it is no YAML, so nobody knows where its secrets are')
      else this.#add(`config/${basename(configFile)}`, redacted.text)
    })
    for (const path of this.#request.sensorFiles) {
      this.#try(`the sensors of ${path}`, () => {
        this.#add(`config/${basename(path)}`, redactTable(readFileSync(path, 'utf8'), secretKeys(schemas)))
      })
    }
  }

  disk(): void {
    const { dataDir } = this.#request
    this.#try('the data folder', () => {
      const files = readdirSync(dataDir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => {
          const path = join(entry.parentPath, entry.name)
          const { size, mtimeMs } = statSync(path)
          return { file: path.slice(dataDir.length + 1), bytes: size, changed: new Date(mtimeMs).toISOString() }
        })
      this.#addJson('data-folder.json', { files })
    })
  }

  events(): void {
    const { dataDir } = this.#request
    this.#try('the events of the journal', () => {
      const parseTime = (text: string): number => Date.parse(text)
      const sql = openSql({ dataDir, units: new Map(), from: null, to: null, parseTime })
      try {
        const { columns, rows } = sql.query(EVENTS_SQL)
        const lines = [...rows].map((row) => {
          const event = Object.fromEntries(columns.map((name, at) => [name, plain(row[at])]))
          return JSON.stringify(event)
        })
        this.#add(
          'events.jsonl',
          lines
            .toReversed()
            .map((line) => `${line}\n`)
            .join(''),
        )
      } finally {
        sql.close()
      }
    })
  }

  async gateway(client: GatewayClient): Promise<void> {
    await this.#ask('the readiness', async () => this.#add('readyz.json', await client.text('/readyz')))
    await this.#ask('the metrics', async () => this.#add('metrics.txt', await client.text('/metrics')))
    await this.#ask('the state of the gateway', async () =>
      this.#add('gateway.json', await client.text('/api/v1/gateway')),
    )
    await this.#ask('the log', async () => {
      const lines = await client.items('/api/v1/log')
      this.#add('log.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    })
    await this.#ask('the uplinks', async () => this.#addJson('uplinks.json', await client.items('/api/v1/uplinks')))
    await this.#ask('the alarms', async () => this.#addJson('alarms.json', await client.items('/api/v1/alarms')))
    await this.#ask('the devices', async () => {
      const devices = await client.items('/api/v1/devices')
      this.#addJson('devices.json', devices)
      for (const id of devices.map(idOf)) await this.#frames(client, id)
    })
  }

  finish(isRunning: boolean): readonly SupportFile[] {
    const { now, dataDir, configFile } = this.#request
    const [cpu] = cpus()
    const summary = {
      created: new Date(now).toISOString(),
      version: packageVersion(),
      isRunning,
      missing: this.missing,
      configFile,
      dataDir,
      node: process.versions.node,
      system: { platform: platform(), release: release(), arch: arch(), cpu: cpu?.model ?? '', cores: cpus().length },
      memory: { totalBytes: totalmem(), freeBytes: freemem() },
      load: loadavg(),
      uptimeSeconds: Math.round(uptime()),
      redacted: `secrets stand as ${REDACTED}; comments of the configuration are left out`,
    }
    this.#addJson('bundle.json', summary)
    return this.#files
  }

  /** What the store of secrets holds, also what no reference names any more. */
  #stored(dataDir: string): readonly string[] {
    const values: string[] = []
    const folder = join(dataDir, SECRETS_FOLDER)
    if (!existsSync(folder)) return values
    this.#try('the store of secrets, whose values are taken out of everything', () => {
      for (const entry of readdirSync(folder, { withFileTypes: true }))
        if (entry.isFile()) values.push(withoutLastBreak(readFileSync(join(folder, entry.name), 'utf8')))
    })
    return values
  }

  #frames(client: GatewayClient, id: string): Promise<void> {
    return this.#ask(`the frames of ${id}`, async () => {
      const items = await client.items(`/api/v1/devices/${encodeURIComponent(id)}/frames`)
      this.#addJson(`frames/${id}.json`, { items })
    })
  }

  #addJson(name: string, content: unknown): void {
    this.#add(name, `${JSON.stringify(content, null, 2)}\n`)
  }

  #add(name: string, content: string): void {
    this.#files.push({ name, content: redactText(content, this.#secrets) })
  }

  #try(what: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#note(what, error)
    }
  }

  async #ask(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#note(what, error)
    }
  }

  #note(what: string, error: unknown): void {
    const reason = isTelemetryError(error) || error instanceof Error ? error.message : String(error)
    this.missing.push(redactText(`${what}: ${reason}`, this.#secrets))
  }
}

function idOf(device: unknown): string {
  return typeof device === 'object' && device !== null && 'id' in device ? String(device.id) : ''
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}
