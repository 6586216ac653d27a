// Central processes that die and come back, and gateways that send to whichever answers until each batch is acknowledged.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { PlannedBatch } from './batches.ts'
import type { CentralSetup, Report } from './central-process.ts'

const PROGRAM = fileURLToPath(new URL('./central-process.ts', import.meta.url))

export class CentralProcess {
  readonly live: { gateway: string; seqs: readonly number[] }[] = []
  figures: { consumed: number; dead: number } | null = null
  /** Batches that came back with an error, by code. */
  readonly failures = new Map<string, number>()
  readonly #setup: CentralSetup
  readonly #waiting = new Map<number, (isTaken: boolean) => void>()
  #child: ChildProcess | null = null
  #isReady = false
  #orders = 0

  constructor(setup: CentralSetup) {
    this.#setup = setup
  }

  get isReady(): boolean {
    return this.#isReady
  }

  async start(): Promise<void> {
    const child = fork(PROGRAM, [JSON.stringify(this.#setup)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    })
    this.#child = child
    const ready = new Promise<void>((resolve, reject) => {
      child.on('message', (report: Report) => {
        if (report.kind === 'ready') resolve()
        this.#onReport(report)
      })
      child.once('exit', () => reject(new Error('The central process ended')))
    })
    child.once('exit', () => {
      this.#isReady = false
      for (const settle of this.#waiting.values()) settle(false)
      this.#waiting.clear()
    })
    await ready
    this.#isReady = true
  }

  /** false: it is not known whether it was taken; to be sent again. */
  take(batch: PlannedBatch): Promise<boolean> {
    const child = this.#child
    if (!this.#isReady || !child) return Promise.resolve(false)
    const id = this.#orders++
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      child.send({ id, batch })
    })
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  /** It stands still, and its connections stay: as a machine that is paused, or gone without a word. */
  freeze(): void {
    this.#child!.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child!.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.send('stop')
    await exited
  }

  #onReport(report: Report): void {
    if (report.kind === 'live') this.live.push(report)
    else if (report.kind === 'figures') this.figures = report
    else if (report.kind === 'taken' || report.kind === 'failed') {
      if (report.kind === 'failed') {
        if (!report.isRetryable) throw new Error(`Refused for good: ${report.code}`)
        this.failures.set(report.code, (this.failures.get(report.code) ?? 0) + 1)
      }
      this.#waiting.get(report.id)?.(report.kind === 'taken')
      this.#waiting.delete(report.id)
    }
  }
}

export interface Sending {
  readonly gateway: string
  readonly batches: number
  readonly rows: number
  readonly processes: readonly CentralProcess[]
  readonly onAcknowledged?: (batch: number) => void
}

/** As a gateway does: one batch after the other, each again, to another process, until it is acknowledged. */
export async function sendAll({ batches, gateway, onAcknowledged, processes, rows }: Sending): Promise<void> {
  const time = Date.now() - 60_000
  let turn = gateway.charCodeAt(gateway.length - 1)
  for (let batch = 0; batch < batches; batch++) {
    const firstSeq = batch * rows + 1
    const values = Array.from({ length: rows }, (_, row) => firstSeq + row)
    for (;;) {
      const isTaken = await processes[turn++ % processes.length]!.take({
        gateway,
        firstSeq,
        values,
        time: time + firstSeq,
      })
      if (isTaken) break
      await new Promise((resolve) => setTimeout(resolve, 20)) // as Retry-After asks of gateways
    }
    onAcknowledged?.(batch)
  }
}
