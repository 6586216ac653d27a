// A real API listening on a free port of the loopback address, in front of the fakes, and small clients for it.

import { mkdtemp, rm } from 'node:fs/promises'
import { request, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { WebSocket, type ClientOptions } from 'ws'
import { Accounts } from '#api/auth/accounts.ts'
import type { Role } from '#api/auth/roles.ts'
import { contractProblems } from './contract.ts'
import type { TlsOptions } from '#api/tls/certificate.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '#config/http-limits.ts'
import { createApi, type Api, type ApiOptions } from '#api/server.ts'
import type { ConfigurationDesk } from '#domain/configuration.ts'
import type { IngestPort } from '#domain/ingest.ts'
import type { Sensor } from '#domain/sensor.ts'
import type { CheckDesk } from '#domain/views.ts'
import { systemClock, type Clock } from '#kit/clock.ts'
import { createLogger, silentLogger, type Logger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { FakeHistory } from './fake-history.ts'
import { FakeAlarms, FakeDevices, FakeInfo, FakeLatest, FakeUplinks, makeModel, makeSensor } from './fakes.ts'

export const SENSORS: readonly Sensor[] = [
  makeSensor(0, 'press-1.oil-temperature', {
    unit: 'degC',
    description: 'Oil in the tank',
    checks: [
      { type: 'threshold', low: 10, high: 75, highHigh: 90 },
      { type: 'threshold', id: 'soft', high: 70 },
      { type: 'zscore' },
    ],
  }),
  makeSensor(1, 'press-1.running', { valueType: 'boolean', writable: true }),
  makeSensor(2, 'press-1.setpoint', { writable: true, unit: 'bar' }),
  makeSensor(3, 'mixer.strokes', { valueType: 'int64', writable: true }),
  makeSensor(4, 'mixer.total', { valueType: 'uint64', writable: true }),
  makeSensor(5, 'mixer.recipe', { valueType: 'string', writable: true }),
]

export interface Fixture {
  readonly api: Api
  readonly url: string
  readonly dataDir: string
  readonly info: FakeInfo
  readonly latest: FakeLatest
  readonly alarms: FakeAlarms
  readonly history: FakeHistory
  readonly devices: FakeDevices
  readonly uplinks: FakeUplinks
  readonly registry: Registry
  readonly clock: Clock
}

export interface FixtureOptions {
  readonly checks?: CheckDesk
  readonly configuration?: ConfigurationDesk
  ingest?: IngestPort
  recentLog?: () => readonly string[]
  readonly licences?: ApiOptions['licences']
  readonly alarmOperators?: number
  readonly limits?: Partial<HttpLimits>
  auth?: 'required' | 'none'
  clock?: Clock
  sensors?: readonly Sensor[]
  dashboardDir?: string
  log?: Logger
  host?: string
  port?: number
  dataDir?: string
  tls?: TlsOptions
}

/** Starts an API; it is stopped and its folder removed when the test ends. */
export async function startApi(options: FixtureOptions = {}): Promise<Fixture> {
  const fixture = await prepareApi(options)
  await fixture.api.start(new AbortController().signal)
  return { ...fixture, url: fixture.api.url }
}

/** The same, not started. */
export async function prepareApi(options: FixtureOptions = {}): Promise<Fixture> {
  const clock = options.clock ?? systemClock
  const dataDir = options.dataDir ?? (await temporaryFolder())
  const info = new FakeInfo(makeModel(options.sensors ?? SENSORS))
  const parts = {
    info,
    clock,
    dataDir,
    latest: new FakeLatest(info),
    alarms: new FakeAlarms(clock),
    history: new FakeHistory(),
    devices: new FakeDevices(['press-1', 'mixer']),
    uplinks: new FakeUplinks(),
    registry: new Registry(),
  }
  for (const sensor of info.model().sensors) if (!sensor.writable) parts.devices.readOnly.add(sensor.number)
  const apiOptions: ApiOptions = {
    ...parts,
    ...(options.checks && { checks: options.checks }),
    ...(options.configuration && { configuration: options.configuration }),
    ...(options.ingest && { ingest: options.ingest }),
    ...(options.licences && { licences: options.licences }),
    ...(options.recentLog && { recentLog: options.recentLog }),
    ...(options.alarmOperators && { alarmOperators: () => options.alarmOperators! }),
    http: {
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      auth: options.auth ?? 'none',
      tls: options.tls ?? null,
      limits: { ...DEFAULT_HTTP_LIMITS, ...options.limits },
    },
    dashboardDir: options.dashboardDir ?? null,
    log: options.log ?? silentLogger,
  }
  const api = createApi(apiOptions)
  onTestFinished(() => api.stop(AbortSignal.timeout(2000)))
  return { ...parts, api, url: '' }
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'telemetryx-api-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Users and tokens in a data folder before its gateway starts: a token of each role, and the user admin with PASSWORD. */
export const PASSWORD = 'correct horse battery'
export async function seedAccounts(dataDir: string): Promise<Record<Role, string>> {
  const accounts = new Accounts(join(dataDir, 'auth.json'), systemClock)
  await accounts.load()
  await accounts.addUser('admin', PASSWORD, 'admin')
  const token = async (role: Role): Promise<string> => (await accounts.createToken(role, role)).token
  return {
    viewer: await token('viewer'),
    operator: await token('operator'),
    engineer: await token('engineer'),
    admin: await token('admin'),
  }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // What a JSON body holds is for each test to say.
  readonly json: ReturnType<typeof JSON.parse>
}

export interface CallOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, unless it is a string or bytes. */
  readonly body?: unknown
}

/** One HTTP request by node:http, which sends any Host, Origin and path as they are. */
export function call(base: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const { hostname, port } = new URL(base)
  const isRaw = typeof options.body === 'string' || options.body instanceof Uint8Array
  const body =
    options.body === undefined
      ? undefined
      : isRaw
        ? (options.body as string | Uint8Array)
        : JSON.stringify(options.body)
  const headers: Record<string, string> = {
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...options.headers,
  }
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path, method: options.method ?? 'GET', headers, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          const isJson = /json/.test(response.headers['content-type'] ?? '') && text !== ''
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text,
            json: isJson ? JSON.parse(text) : undefined,
          })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** GET below /api/v1; the answer is held against the OpenAPI document of the same server. */
export const get = (fixture: Fixture, path: string): Promise<Answer> => send(fixture, 'GET', path)

/** Any method below /api/v1, for a server without authentication; checked like `get`. */
export async function send(fixture: Fixture, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await call(fixture.url, `/api/v1${path}`, { method, body })
  const document = (await call(fixture.url, '/api/v1/openapi.json')).json
  const problems = contractProblems(document, { method, path: `/api/v1${path}`, answer })
  if (problems.length > 0)
    throw new Error(`${method} ${path} breaks its contract: ${problems.join('; ')} in ${answer.text.slice(0, 500)}`)
  return answer
}

export interface LiveMessages {
  readonly socket: WebSocket
  readonly messages: ReturnType<typeof JSON.parse>[]
  /** Latest value by sensor. */
  readonly values: Map<string, unknown>
}

/** A live client that keeps what it receives. Resolves once it is open; rejects with the HTTP status when it is refused. */
export function openLive(fixture: Fixture, query = '', options: ClientOptions = {}): Promise<LiveMessages> {
  const socket = new WebSocket(`${fixture.url.replace('http', 'ws')}/api/v1/live${query}`, options)
  onTestFinished(() => socket.terminate())
  const live: LiveMessages = { socket, messages: [], values: new Map() }
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString('utf8'))
    live.messages.push(message)
    for (const { sensor, value } of message.readings ?? []) live.values.set(sensor, value)
  })
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(live))
    socket.on('error', reject)
    socket.on('unexpected-response', (_request, response) => {
      reject(new Error(`refused with ${response.statusCode}`))
      response.resume()
    })
  })
}

/** A log that is kept as text, to look for secrets in it. */
export function recordingLog(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  return {
    log: createLogger({ level: 'debug', destination: { write: (line: string) => void lines.push(line) } }),
    lines,
  }
}
