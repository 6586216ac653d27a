// Commands of a receiver: to the gateway's desk, and its answers back. Each command gets exactly one answer.

import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt'
import type { CommandAnswer, CommandDesk, CommandRequest, CommandResult } from '#domain/command.ts'
import { isTelemetryError, type ErrorCode } from '#domain/errors.ts'
import { statusFromName } from '#domain/quality.ts'
import type { Model } from '#domain/sensor.ts'
import { jsonValue } from '#domain/value.ts'
import {
  CommandResultSchema,
  type Command as WireCommand,
  type CommandResult as WireResult,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { valueOf, wireValueOfJson } from '#rpc/values.ts'

/** Commands at work at once; beyond it they are refused. */
const MAX_AT_WORK = 16
const MAX_ID_LENGTH = 128

type ResultFields = MessageInitShape<typeof CommandResultSchema>

export interface CommandsOptions {
  readonly desk: CommandDesk | undefined
  readonly model: () => Model
  readonly gateway: string
}

export class Commands {
  readonly #options: CommandsOptions
  #atWork = 0

  constructor(options: CommandsOptions) {
    this.#options = options
  }

  /** Never rejects. */
  async run(command: WireCommand): Promise<WireResult> {
    const { desk } = this.#options
    const { by, expiresAt, id, sentAt } = command
    const request = requestOf(command)
    if (id === '' || id.length > MAX_ID_LENGTH || request === null)
      return refused(
        id.slice(0, MAX_ID_LENGTH),
        'PROTOCOL',
        'The command has no id, or nothing that this gateway knows',
      )
    if (desk === undefined || !desk.allowed.has(request.command))
      return refused(id, 'PERMISSION_DENIED', `This uplink does not allow ${request.command}`)
    if (this.#atWork >= MAX_AT_WORK) return refused(id, 'RATE_LIMITED', `${MAX_AT_WORK} commands are at work already`)
    this.#atWork += 1
    try {
      const times = { sentAt: msOf(sentAt), expiresAt: msOf(expiresAt) }
      return this.#answer(id, await desk.run({ id, by: by === '' ? null : by, ...times, request }))
    } finally {
      this.#atWork -= 1
    }
  }

  #answer(id: string, answer: CommandAnswer): WireResult {
    if (!answer.ok) return refused(id, answer.code, answer.message)
    try {
      return create(CommandResultSchema, { id, ...this.#fields(answer.result) })
    } catch (cause) {
      if (!isTelemetryError(cause)) throw cause
      return refused(id, cause.code, cause.message)
    }
  }

  #fields(result: CommandResult): ResultFields {
    const { gateway, model } = this.#options
    const typeOf = (sensor: string) => model().sensor(sensor)?.valueType ?? 'string'
    switch (result.command) {
      case 'write':
        return { value: wireValueOfJson(result.value, typeOf(result.sensor)) }
      case 'read':
        return {
          readings: result.readings.map(({ sensor, status, time, value }) => ({
            sensor,
            gateway,
            status: statusFromName(status) ?? 0,
            timeMs: BigInt(Math.floor(time)),
            ...(value === null ? {} : { value: wireValueOfJson(value, typeOf(sensor)) }),
          })),
        }
      case 'acknowledge':
        return {}
      case 'check':
        return { problems: result.problems.map(({ column, line, message }) => ({ column, line, message })) }
    }
  }
}

function requestOf({ action }: WireCommand): CommandRequest | null {
  switch (action.case) {
    case 'write': {
      const value = valueOf(action.value.value)
      return value === null ? null : { command: 'write', sensor: action.value.sensor, value: jsonValue(value) }
    }
    case 'read':
      return { command: 'read', sensors: action.value.sensors }
    case 'acknowledgeAlarm': {
      const { alarmId, comment } = action.value
      return { command: 'acknowledge', alarm: alarmId, comment: comment === '' ? null : comment }
    }
    case 'checkConfiguration':
      return { command: 'check', text: action.value.text }
    case undefined:
      return null
  }
}

function refused(id: string, errorCode: ErrorCode, message: string): WireResult {
  return create(CommandResultSchema, { id, errorCode, message })
}

function msOf(time: Timestamp | undefined): number | null {
  return time === undefined ? null : timestampMs(time)
}
