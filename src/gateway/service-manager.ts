// What the gateway tells systemd (sd_notify(3)): that it serves, reloads, stops, how it is, and that it makes progress.
// Node.js has no datagram sockets of the Unix domain, so systemd's own program systemd-notify(1) carries each message. Its
// sender is a child of ours: the unit needs NotifyAccess=all.

import { execFile } from 'node:child_process'
import type { Log } from '#domain/driver.ts'

const PROGRAM = 'systemd-notify'
/** It waits until systemd has taken the message: seconds on a machine that is short of everything. */
const TIMEOUT_MS = 20_000
const MAX_STATUS_CHARACTERS = 200

export interface ServiceManager {
  /** How often systemd wants to hear of progress, ms; null: it does not watch. */
  readonly watchdogMs: number | null
  /** It serves. Resolves when systemd has been told; no message ever rejects. */
  ready(status: string): Promise<void>
  reloading(): Promise<void>
  stopping(): Promise<void>
  status(text: string): Promise<void>
  /** Progress since the last one. */
  alive(status: string): Promise<void>
}

/** The service manager that started this process; null: none did, or it wants no messages. */
export function serviceManager(env: NodeJS.ProcessEnv, log: Log): ServiceManager | null {
  const socket = env['NOTIFY_SOCKET']
  return socket === undefined || socket === '' ? null : new Systemd(env, log)
}

class Systemd implements ServiceManager {
  readonly watchdogMs: number | null
  readonly #env: NodeJS.ProcessEnv
  readonly #log: Log
  /** One message after the other: their order is their meaning. */
  #sent: Promise<void> = Promise.resolve()
  #isFailureTold = false

  constructor(env: NodeJS.ProcessEnv, log: Log) {
    this.#env = env
    this.#log = log
    this.watchdogMs = watchdogMs(env)
  }

  ready(status: string): Promise<void> {
    return this.#send(['READY=1', statusLine(status)])
  }

  reloading(): Promise<void> {
    const microseconds = process.hrtime.bigint() / 1000n // of CLOCK_MONOTONIC, as Type=notify-reload wants it
    return this.#send(['RELOADING=1', `MONOTONIC_USEC=${microseconds}`, statusLine('Taking up the configuration file')])
  }

  stopping(): Promise<void> {
    return this.#send(['STOPPING=1', statusLine('Storing everything, then ending')])
  }

  status(text: string): Promise<void> {
    return this.#send([statusLine(text)])
  }

  alive(status: string): Promise<void> {
    return this.#send(['WATCHDOG=1', statusLine(status)])
  }

  #send(assignments: readonly string[]): Promise<void> {
    this.#sent = this.#sent.then(() => this.#run(assignments))
    return this.#sent
  }

  #run(assignments: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      execFile(PROGRAM, [...assignments], { env: this.#env, timeout: TIMEOUT_MS }, (error) => {
        if (error !== null && !this.#isFailureTold) {
          this.#isFailureTold = true
          this.#log.warn({ reason: error.message }, `systemd cannot be told how the gateway is: ${PROGRAM} failed`)
        }
        resolve()
      })
    })
  }
}

/** WATCHDOG_USEC, unless it is meant for another process: ours, or the launcher's that started us. */
function watchdogMs(env: NodeJS.ProcessEnv): number | null {
  const ms = Number(env['WATCHDOG_USEC']) / 1000
  const pid = env['WATCHDOG_PID']
  const isOurs = pid === undefined || pid === String(process.pid) || pid === String(process.ppid)
  return isOurs && Number.isFinite(ms) && ms > 0 ? ms : null
}

/** One line, as the protocol demands. */
function statusLine(text: string): string {
  return `STATUS=${text.replace(/\s+/g, ' ').slice(0, MAX_STATUS_CHARACTERS)}`
}
