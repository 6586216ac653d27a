// Commands of a receiver, whatever the wire: rights, expiry, duplicates and the journal stand here, once for all kinds.

import type {
  Command,
  CommandAnswer,
  CommandDesk,
  CommandName,
  CommandReading,
  CommandRequest,
  CommandResult,
} from '#domain/command.ts'
import { TelemetryError, toTelemetryError, type ErrorCode } from '#domain/errors.ts'
import { statusName } from '#domain/quality.ts'
import { sensorPattern } from '#domain/sensor-pattern.ts'
import type { Model, Sensor } from '#domain/sensor.ts'
import { jsonValue } from '#domain/value.ts'
import type { Clock } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { commandValue } from './command-value.ts'
import type { CommandRules } from './definition.ts'
import type { GatewayPorts } from './gateway-ports.ts'

/** Longer than the rules of a sensor let a write wait. */
const WRITE_TIMEOUT_MS = 25_000
/** Commands under way at once; more are refused. */
const MAX_RUNNING = 16
/** Answers that are remembered for a command that comes again. */
const MAX_REMEMBERED = 1000
const MAX_SENSORS = 10_000
const MAX_ID_LENGTH = 128

export interface CommandDeskOptions {
  readonly clock: Clock
  readonly uplink: string
  readonly rules: CommandRules
  /** As the gateway names its sensors. */
  readonly model: () => Model
  /** As this uplink names them. */
  readonly mapped: () => Model
  readonly ports: Pick<GatewayPorts, 'commands' | 'latest' | 'record'>
}

export class UplinkCommandDesk implements CommandDesk {
  readonly allowed: ReadonlySet<CommandName>
  readonly #options: CommandDeskOptions
  readonly #writable: readonly RegExp[]
  readonly #answers = new Map<string, Promise<CommandAnswer>>()
  #running = 0

  constructor(options: CommandDeskOptions) {
    this.#options = options
    this.allowed = new Set(options.rules.allow)
    this.#writable = options.rules.write.map(sensorPattern)
  }

  run(command: Command): Promise<CommandAnswer> {
    const { id } = command
    const known = id === null ? undefined : this.#answers.get(id)
    if (known) return known
    const answer = this.#carryOut(command)
    if (id !== null) this.#remember(id, answer)
    return answer
  }

  #remember(id: string, answer: Promise<CommandAnswer>): void {
    this.#answers.set(id, answer)
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= MAX_REMEMBERED) break
      this.#answers.delete(oldest)
    }
  }

  async #carryOut(command: Command): Promise<CommandAnswer> {
    const answer = await this.#attempt(command)
    this.#journal(command, answer)
    return answer
  }

  async #attempt(command: Command): Promise<CommandAnswer> {
    if (this.#running >= MAX_RUNNING) return refusal('RATE_LIMITED', `${MAX_RUNNING} commands are under way`)
    this.#running += 1
    try {
      this.#admit(command)
      return { ok: true, result: await this.#act(command) }
    } catch (cause) {
      const { code, message } = toTelemetryError(cause)
      return refusal(code, message)
    } finally {
      this.#running -= 1
    }
  }

  #admit({ id, sentAt, request }: Command & { readonly request: CommandRequest }): void {
    if (!this.allowed.has(request.command))
      throw new TelemetryError('PERMISSION_DENIED', `This uplink may not ask for "${request.command}"`)
    if (id !== null && (id === '' || id.length > MAX_ID_LENGTH))
      throw new TelemetryError('USAGE', `A transaction id has 1 to ${MAX_ID_LENGTH} characters`)
    const { clock, rules } = this.#options
    const ageMs = sentAt === null ? 0 : clock.now() - sentAt
    if (ageMs > rules.maxAgeMs) throw new TelemetryError('EXPIRED', `It was sent ${Math.round(ageMs / 1000)} s ago`)
    if (-ageMs > rules.maxAgeMs)
      throw new TelemetryError('EXPIRED', `It was sent ${Math.round(-ageMs / 1000)} s in the future: is a clock wrong?`)
  }

  async #act(command: Command): Promise<CommandResult> {
    const { request, expiresAt } = command
    const { clock, ports } = this.#options
    if (expiresAt !== null && clock.now() > expiresAt) throw new TelemetryError('EXPIRED', 'It is not valid any more')
    switch (request.command) {
      case 'write':
        return await this.#write(command, request)
      case 'read':
        return { command: 'read', readings: this.#read(request.sensors) }
      case 'acknowledge':
        ports.commands.acknowledge(request.alarm, this.#who(command), request.comment)
        return { command: 'acknowledge', alarm: request.alarm }
      case 'check': {
        const problems = await ports.commands.check(request.text)
        return {
          command: 'check',
          problems: problems.map(({ line, column, message }) => ({ line, column, message })),
        }
      }
    }
  }

  async #write(command: Command, request: CommandRequest & { command: 'write' }): Promise<CommandResult> {
    const { clock, model, ports, rules, uplink } = this.#options
    const named = this.#sensor(request.sensor)
    const sensor = model().sensorAt(named.number) ?? named
    if (!this.#writable.some((pattern) => pattern.test(sensor.id)))
      throw new TelemetryError('PERMISSION_DENIED', `This uplink may not write to ${request.sensor}`)
    const value = commandValue(sensor, request.value)
    const limits = [command.expiresAt, command.sentAt === null ? null : command.sentAt + rules.maxAgeMs]
    const expiresAt = Math.min(...limits.map((limit) => limit ?? Number.POSITIVE_INFINITY))
    const origin = {
      by: this.#who(command),
      from: `uplink ${uplink}`,
      ...(Number.isFinite(expiresAt) && { expiresAt }),
    }
    const limit = { clock, timeoutMs: WRITE_TIMEOUT_MS, what: `Writing ${sensor.id}` }
    const readBack = await withDeadline(limit, (signal) => ports.commands.write(sensor.number, value, origin, signal))
    return { command: 'write', sensor: request.sensor, value: jsonValue(readBack) }
  }

  #read(ids: readonly string[]): CommandReading[] {
    if (ids.length > MAX_SENSORS) throw new TelemetryError('OUT_OF_RANGE', `At most ${MAX_SENSORS} sensors at once`)
    return ids.flatMap((id) => {
      const reading = this.#options.ports.latest(this.#sensor(id).number)
      if (!reading) return []
      const { quality, status, time } = reading
      return [{ sensor: id, value: jsonValue(reading.value), quality, status: statusName(status), time }]
    })
  }

  #sensor(id: string): Sensor {
    const sensor = this.#options.mapped().sensor(id)
    if (!sensor) throw new TelemetryError('NOT_FOUND', `There is no sensor ${id}`)
    return sensor
  }

  #who({ by }: Command): string {
    return by === null ? `uplink ${this.#options.uplink}` : `${by} (uplink ${this.#options.uplink})`
  }

  /** What was changed, and what was refused; looking at values leaves no trace. */
  #journal(command: Command, answer: CommandAnswer): void {
    const { request, id } = command
    if (answer.ok && request.command === 'read') return
    const { clock, uplink, ports } = this.#options
    const who = this.#who(command)
    const what = describe(request)
    ports.record({
      kind: 'event',
      type: 'uplink-command',
      severity: answer.ok ? 'info' : 'warning',
      time: clock.now(),
      source: 'gateway',
      message: answer.ok ? `${who}: ${what}` : `${who}: ${what} was refused: ${answer.message}`,
      data: {
        uplink,
        by: who,
        id,
        command: request.command,
        ok: answer.ok,
        ...(answer.ok ? {} : { code: answer.code }),
      },
    })
  }
}

function describe(request: CommandRequest): string {
  switch (request.command) {
    case 'write':
      return `write ${request.sensor} = ${String(request.value).slice(0, 100)}`
    case 'read':
      return `read ${request.sensors.length} sensors`
    case 'acknowledge':
      return `acknowledge alarm ${request.alarm}`
    case 'check':
      return 'check a configuration'
  }
}

function refusal(code: ErrorCode, message: string): CommandAnswer {
  return { ok: false, code, message }
}
