// Asks the operating system whether the wall clock can be trusted: systemd-timesyncd leaves a file, chrony and others are
// asked through timedatectl, which reads the kernel's own flag, or chronyc. Programs run beside, at most one at a time.

import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { ClockProbe } from './clock-watch.ts'

export interface ClockProbeOptions {
  /** Unix milliseconds before which no battery clock can be right. */
  readonly earliestMs: number
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number
  readonly exists: (path: string) => boolean
  /** Text of a file; null when it cannot be read. */
  readonly readText: (path: string) => string | null
  /** Standard output of a program; null when it is not there, fails or takes too long. */
  readonly run: (program: string, words: readonly string[]) => Promise<string | null>
}

const ASK_EVERY_MS = 5000
const TIMEOUT_MS = 2000
const SYNCHRONIZERS = ['/run/systemd/timesync', '/run/chrony', '/run/ntpd.pid', '/run/ntpd-rs', '/run/openntpd.pid']

export class SystemClockProbe {
  readonly #options: ClockProbeOptions
  #isSynchronized = false
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | null = null

  constructor(options: ClockProbeOptions) {
    this.#options = options
  }

  /** What is known now; begins to ask again if that was some seconds ago. */
  read(): ClockProbe {
    const { exists, readText, earliestMs, monotonic } = this.#options
    if (exists('/run/systemd/timesync/synchronized')) this.#isSynchronized = true
    const willSynchronize = SYNCHRONIZERS.some(exists)
    const isOpen = willSynchronize && !this.#isSynchronized && !this.#asking
    if (isOpen && monotonic() - this.#askedAt >= ASK_EVERY_MS) {
      this.#askedAt = monotonic()
      this.#asking = this.#ask().finally(() => (this.#asking = null))
    }
    // A Raspberry Pi 5 has such a clock, but often no battery: without one it begins at 1970 after each power cut.
    const battery = Number(readText('/sys/class/rtc/rtc0/since_epoch') ?? Number.NaN) * 1000
    return {
      isSynchronized: this.#isSynchronized,
      willSynchronize,
      hasBatteryClock: battery >= earliestMs,
    }
  }

  /** Resolves when no program runs. */
  async settled(): Promise<void> {
    await this.#asking
  }

  async #ask(): Promise<void> {
    const { run } = this.#options
    const kernel = await run('timedatectl', ['show', '--property=NTPSynchronized', '--value'])
    if (saysKernel(kernel) || saysChrony(await run('chronyc', ['-n', 'tracking']))) this.#isSynchronized = true
  }
}

function saysKernel(output: string | null): boolean {
  return output?.trim() === 'yes'
}

/** `Leap status     : Normal`, or what leap second comes; `Not synchronised` until a source was taken. */
function saysChrony(output: string | null): boolean {
  const status = /^Leap status\s*:\s*(.+)$/m.exec(output ?? '')?.[1]
  return status !== undefined && status.trim() !== 'Not synchronised'
}

/** The machine's own files and programs. */
export function systemClockProbe(earliestMs: number): SystemClockProbe {
  return new SystemClockProbe({
    earliestMs,
    monotonic: () => performance.now(),
    exists: existsSync,
    readText: (path) => {
      try {
        return readFileSync(path, 'utf8')
      } catch {
        return null
      }
    },
    run: (program, words) =>
      new Promise((resolve) => {
        const env = { ...process.env, LC_ALL: 'C' }
        execFile(program, words, { timeout: TIMEOUT_MS, env }, (error, output) => resolve(error ? null : output))
      }),
  })
}
