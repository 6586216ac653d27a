// The routes that the dashboard uses, typed. Every call may throw ApiError or ShapeError.

import { decodePage, type Page } from './decode-page.ts'
import type { HttpClient } from './http.ts'
import {
  decodeAlarm,
  decodeDevice,
  decodeGateway,
  decodeMachine,
  decodeSensor,
  decodeSession,
  decodeUplink,
  decodeWriteResult,
} from './decode.ts'
import type { Alarm, Device, Gateway, JsonValue, Machine, Sensor, Session, Uplink, WriteResult } from './wire.ts'
import { SensorHistory } from './sensor-history.ts'

const MODEL_PAGE = 1000

export class GatewayApi extends SensorHistory {
  readonly #http: HttpClient

  constructor(http: HttpClient) {
    super(http)
    this.#http = http
  }

  /** For routes that one page alone uses: it brings its own decoder. */
  get http(): HttpClient {
    return this.#http
  }

  async gateway(): Promise<Gateway> {
    return decodeGateway(await this.#http.request('/gateway'))
  }

  machines(): Promise<readonly Machine[]> {
    return this.#all(`/machines?limit=${MODEL_PAGE}`, decodeMachine)
  }

  sensors(): Promise<readonly Sensor[]> {
    return this.#all(`/sensors?limit=${MODEL_PAGE}`, decodeSensor)
  }

  alarms(): Promise<readonly Alarm[]> {
    return this.#all(`/alarms?state=all&limit=${MODEL_PAGE}`, decodeAlarm)
  }

  devices(): Promise<readonly Device[]> {
    return this.#all('/devices', decodeDevice)
  }

  uplinks(): Promise<readonly Uplink[]> {
    return this.#all('/uplinks', decodeUplink)
  }

  async write(sensor: string, value: JsonValue): Promise<WriteResult> {
    const path = `/sensors/${encodeURIComponent(sensor)}/value`
    return decodeWriteResult(await this.#http.request(path, { method: 'PUT', body: { value } }))
  }

  acknowledge(alarm: string, comment: string): Promise<Alarm> {
    return this.#alarmCommand(alarm, 'acknowledge', commented(comment))
  }

  /** `duration`: `15m`, `1h`, … at most 7d; `isOneShot`: it also ends when the alarm clears. */
  shelve(alarm: string, duration: string, isOneShot: boolean, comment: string): Promise<Alarm> {
    const mode = isOneShot ? { mode: 'oneShot' } : {}
    return this.#alarmCommand(alarm, 'shelve', { duration, ...mode, ...commented(comment) })
  }

  confirm(alarm: string, comment: string): Promise<Alarm> {
    return this.#alarmCommand(alarm, 'confirm', commented(comment))
  }

  /** Ends a latched alarm. */
  reset(alarm: string, comment: string): Promise<Alarm> {
    return this.#alarmCommand(alarm, 'reset', commented(comment))
  }

  comment(alarm: string, comment: string): Promise<Alarm> {
    return this.#alarmCommand(alarm, 'comment', { comment })
  }

  /** `duration` null: until somebody returns it. */
  takeOutOfService(alarm: string, duration: string | null, comment: string): Promise<Alarm> {
    return this.#alarmCommand(alarm, 'out-of-service', {
      ...(duration !== null && { duration }),
      ...commented(comment),
    })
  }

  returnToService(alarm: string, comment: string): Promise<Alarm> {
    return this.#alarmCommand(alarm, 'in-service', commented(comment))
  }

  unshelve(alarm: string): Promise<Alarm> {
    return this.#alarmCommand(alarm, 'unshelve', {})
  }

  async restart(device: string): Promise<Device> {
    return decodeDevice(await this.#http.request(`/devices/${encodeURIComponent(device)}/restart`, { method: 'POST' }))
  }

  async session(): Promise<Session> {
    return decodeSession(await this.#http.request('/session'))
  }

  async login(name: string, password: string): Promise<void> {
    await this.#http.request('/session', { method: 'POST', body: { name, password } })
  }

  async logout(): Promise<void> {
    await this.#http.request('/session', { method: 'DELETE' })
  }

  async setUp(token: string, name: string, password: string): Promise<void> {
    await this.#http.request('/setup', { method: 'POST', body: { token, name, password } })
  }

  async #alarmCommand(alarm: string, command: string, body: object): Promise<Alarm> {
    const path = `/alarms/${encodeURIComponent(alarm)}/${command}`
    return decodeAlarm(await this.#http.request(path, { method: 'POST', body }))
  }

  async #all<T>(path: string, decode: (source: unknown) => T): Promise<readonly T[]> {
    const items: T[] = []
    for (let cursor: string | null = null; ;) {
      const more: string =
        cursor === null ? '' : `${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`
      const page: Page<T> = decodePage(decode)(await this.#http.request(path + more))
      items.push(...page.items)
      cursor = page.next
      if (cursor === null) return items
    }
  }
}

function commented(comment: string): { readonly comment?: string } {
  return comment === '' ? {} : { comment }
}
