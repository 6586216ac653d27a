// A central on an embedded database with its built pages, and gateways that come to it as the uplink does: for the tests in a browser.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCentral, type Central } from '#central/central.ts'
import { parseCentralConfig } from '#config/central-load.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'

export interface FleetCentral {
  readonly central: Central
  stop(): Promise<void>
}

export async function startFleetCentral(pagesDir: string): Promise<FleetCentral> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-fleet-pages-'))
  const loaded = parseCentralConfig(`version: 1\ndata: ${folder}\nhttp: { port: 0 }\n`, 'central.yaml', {})
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const central = await startCentral({
    config: loaded.config,
    clock: systemClock,
    log: silentLogger,
    version: '0.0.0',
    pagesDir,
    random: Math.random,
    signal: new AbortController().signal,
  })
  const stop = async (): Promise<void> => {
    await central.stop({ deadlineMs: 5000 })
    rmSync(folder, { recursive: true, force: true })
  }
  return { central, stop }
}

export interface Report {
  readonly state: string
  readonly number?: number
  readonly reason?: string
  readonly problems?: readonly object[]
  readonly plan?: { readonly summary: string; readonly lines: readonly string[] }
}

/** The routes that a gateway's uplink to central uses, with its key. */
export class ComingGateway {
  readonly id: string
  readonly #url: string
  readonly #key: string

  constructor(url: string, id: string, key: string) {
    this.#url = `${url}/api/v1`
    this.id = id
    this.#key = key
  }

  async register(): Promise<void> {
    const sensors = [{ number: 0, id: 'press-1.oil-temperature', valueType: 'VALUE_TYPE_NUMBER' }]
    const hello = { gateway: this.id, factory: 'Plant A', epoch: 2, version: '0.1.0', dictionary: { sensors } }
    await this.#ask('PUT', `/gateways/${this.id}`, hello)
    const blocks = [{ firstSeq: '1', sensors: [0], receivedAtMs: String(Date.now()), numbers: [21.5] }]
    await this.#ask('POST', '/ingest', {
      gateway: this.id,
      dictionary: { sensors },
      batch: { epoch: 2, lastSeq: '1', blocks },
    })
  }

  /** What is offered to it; null: nothing. */
  async offered(): Promise<{ revision: string; text: string; base: string | null } | null> {
    const response = await this.#ask('GET', `/gateways/${this.id}/configuration`)
    return response.status === 204 ? null : ((await response.json()) as { revision: string; text: string; base: null })
  }

  /** The plan that it is asked for; null: none. */
  async asked(): Promise<string | null> {
    const response = await this.#ask('GET', `/gateways/${this.id}/configuration`)
    return response.headers.get('telemetryx-plan')
  }

  async answer(plan: string, answer: object): Promise<void> {
    const body = { base: '"abc"', summary: null, lines: [], needsRestart: [], reason: null, problems: [], ...answer }
    await this.#ask('PUT', `/gateways/${this.id}/configuration/plans/${plan}`, body)
  }

  async report(revision: string, report: Report): Promise<void> {
    const body = { number: null, reason: null, problems: [], ...report }
    await this.#ask('PUT', `/gateways/${this.id}/configuration/${revision}`, body)
  }

  async #ask(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        'telemetryx-can': 'plan',
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
}
