// Machines and sensors of all gateways, as central's API gives them, and changing what people keep beside them. Throws ApiError.

import { decodePage, type Page } from '../client/decode-page.ts'
import { decodeAlarm, decodeLatest, decodeMachine, decodeSensor } from '../client/decode.ts'
import { Fields, ShapeError } from '../client/fields.ts'
import type { HttpClient } from '../client/http.ts'
import type { Alarm, Latest, Machine, Sensor } from '../client/wire.ts'

/** What people keep beside a part of the model. */
export interface Labels {
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tags: readonly string[]
}

export interface CentralMachine extends Machine, Labels {}

export interface CentralSensor extends Sensor, Labels {
  readonly factory: string
  /** Id of a gateway, or name of a program. */
  readonly gateway: string
}

/** `etag`: the revision that was read; a change can be refused when it is another by then. */
export interface Revised<T> {
  readonly value: T
  readonly etag: string | null
}

const MOST = 1000

type Query = Readonly<Record<string, string>>

export async function readMachines(http: HttpClient, query: Query, signal: AbortSignal): Promise<Page<CentralMachine>> {
  return decodePage(decodeCentralMachine)(await http.request(`/machines?${given(query)}`, { signal }))
}

export async function readSensors(http: HttpClient, query: Query, signal?: AbortSignal): Promise<Page<CentralSensor>> {
  return decodePage(decodeCentralSensor)(await http.request(`/sensors?${given(query)}`, { ...(signal && { signal }) }))
}

export function readMachine(http: HttpClient, id: string): Promise<Revised<CentralMachine>> {
  return readRevised(http, machinePathOf(id), decodeCentralMachine)
}

export function readSensor(http: HttpClient, id: string): Promise<Revised<CentralSensor>> {
  return readRevised(http, sensorPathOf(id), decodeCentralSensor)
}

/** The first 1000 of a machine, by id. */
export async function readMachineSensors(http: HttpClient, machine: string): Promise<Page<CentralSensor>> {
  return readSensors(http, { machine, limit: String(MOST) })
}

export async function readMachineLatest(http: HttpClient, machine: string): Promise<readonly Latest[]> {
  return decodePage(decodeLatest)(await http.request(`/latest?${given({ machine, limit: String(MOST) })}`)).items
}

export async function readLatest(http: HttpClient, sensor: string): Promise<Latest> {
  return decodeLatest(await http.request(`${sensorPathOf(sensor)}/latest`))
}

/** Open alarms, newest raise first; `gateway` empty: of all. */
export async function readAlarms(
  http: HttpClient,
  { gateway = '', limit = MOST }: { readonly gateway?: string; readonly limit?: number } = {},
): Promise<Page<Alarm>> {
  return decodePage(decodeAlarm)(await http.request(`/alarms?${given({ gateway, limit: String(limit) })}`))
}

/** `etag` null: whatever it is by then. */
export async function changeMachine(http: HttpClient, id: string, change: object, etag: string | null): Promise<void> {
  await http.request(machinePathOf(id), { method: 'PATCH', body: change, headers: onlyWhen(etag) })
}

export async function changeSensor(http: HttpClient, id: string, change: object, etag: string | null): Promise<void> {
  await http.request(sensorPathOf(id), { method: 'PATCH', body: change, headers: onlyWhen(etag) })
}

async function readRevised<T>(http: HttpClient, path: string, decode: (source: unknown) => T): Promise<Revised<T>> {
  let etag: string | null = null
  const answer = await http.request(path, { onEtag: (given) => (etag = given) })
  return { value: decode(answer), etag }
}

function onlyWhen(etag: string | null): Readonly<Record<string, string>> {
  return etag === null ? {} : { 'if-match': etag }
}

function given(query: Query): string {
  return new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
}

const machinePathOf = (id: string): string => `/machines/${encodeURIComponent(id)}`
const sensorPathOf = (id: string): string => `/sensors/${encodeURIComponent(id)}`

function decodeCentralMachine(source: unknown): CentralMachine {
  return { ...decodeMachine(source), ...decodeLabels(new Fields(source, 'machine')) }
}

function decodeCentralSensor(source: unknown): CentralSensor {
  const f = new Fields(source, 'sensor')
  return { ...decodeSensor(source), factory: f.text('factory'), gateway: f.text('gateway'), ...decodeLabels(f) }
}

function decodeLabels(f: Fields): Labels {
  return { metadata: f.child('metadata', recordOf), tags: f.list('tags', String) }
}

function recordOf(source: unknown): Readonly<Record<string, unknown>> {
  if (typeof source !== 'object' || source === null || Array.isArray(source))
    throw new ShapeError('metadata is no object')
  return source as Readonly<Record<string, unknown>>
}
