// A simulated instrument on a serial line: answers to its request, or sends by itself.

import type { Clock, Timer } from '#kit/clock.ts'
import { LineFaults, spoil } from './line-faults.ts'
import type { Points } from './points.ts'
import { openFarEnd, type FarEnd, type SerialLineSpec } from './pty-line.ts'
import { fill } from './template.ts'

const MAX_INPUT = 1024

export interface SerialInstrumentOptions {
  readonly line: SerialLineSpec
  /** null: it sends by itself, every `everyMs`. */
  readonly request: string | null
  readonly everyMs: number
  readonly answer: string
  readonly points: Points
  readonly clock: Clock
  readonly random: () => number
}

export class SerialInstrument {
  readonly faults = new LineFaults()
  readonly #options: SerialInstrumentOptions
  #end: FarEnd | null = null
  #input = ''
  #timer: Timer | null = null

  constructor(options: SerialInstrumentOptions) {
    this.#options = options
    this.faults.onChange = () => void this.#end?.setUnplugged(this.faults.has('hang-up') || this.faults.has('refuse'))
  }

  async start(): Promise<void> {
    this.#end = await openFarEnd(this.#options.line, (chunk) => this.#take(chunk))
    if (this.#options.request === null) this.#schedule()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#end?.close()
  }

  #take(chunk: Buffer): void {
    const { request } = this.#options
    if (request === null) return
    this.#input = (this.#input + chunk.toString('latin1')).slice(-MAX_INPUT)
    for (let at = this.#input.indexOf(request); at !== -1; at = this.#input.indexOf(request)) {
      this.#input = this.#input.slice(at + request.length)
      this.#send()
    }
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(this.#options.everyMs, () => {
      this.#send()
      this.#schedule()
    })
  }

  #send(): void {
    const { answer, points, clock, random } = this.#options
    const text = Buffer.from(
      fill(answer, (name) => points.read(name)),
      'latin1',
    )
    const bytes = spoil(text, this.faults, random)
    if (bytes === null) return
    if (this.faults.delayMs === 0) this.#end?.write(bytes)
    else clock.after(this.faults.delayMs, () => this.#end?.write(bytes))
  }
}
