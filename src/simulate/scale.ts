// A packing scale on a serial line: goods come and go, and a request "P" is answered by the weight. The line is a
// pseudo-terminal made by socat; where socat is not installed there is no scale. Node cannot make one without native code.

import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { gaussian } from '#kit/random.ts'

const READY_MS = 2000
const PACKING_S = 12
const SETTLING_S = 1.5

/** The weight on the plate over time; pure but for `random`. */
export class ScaleModel {
  readonly #random: () => number
  #package = -1
  #weight = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** What the scale answers at a time, in seconds from any origin: stable or not, weight, unit. */
  answerAt(seconds: number): string {
    const packing = Math.floor(seconds / PACKING_S)
    const within = seconds - packing * PACKING_S
    if (packing !== this.#package) {
      this.#package = packing
      this.#weight = 12 + gaussian(this.#random) * 0.15
    }
    const isLoaded = within >= 2 && within < PACKING_S - 2
    const since = isLoaded ? within - 2 : within < 2 ? within + 2 : within - (PACKING_S - 2)
    const swing = since < SETTLING_S ? gaussian(this.#random) * 0.4 * (SETTLING_S - since) : 0
    const weight = Math.max(0, (isLoaded ? this.#weight : 0) + swing)
    return `${swing === 0 ? 'S' : 'U'} ${weight.toFixed(2).padStart(8)} kg\r\n`
  }
}

export interface SimulatedScale {
  /** Below `devices:`. */
  readonly yaml: string
  stop(): void
}

export interface ScaleOptions {
  /** Where the port appears. */
  readonly path: string
  /** Monotonic seconds. */
  readonly seconds: () => number
  readonly random: () => number
}

/** null when socat is not installed. */
export async function startScale({ path, seconds, random }: ScaleOptions): Promise<SimulatedScale | null> {
  const model = new ScaleModel(random)
  let child: ChildProcess | null = null
  let isStopped = false
  const open = (): void => {
    rmSync(path, { force: true })
    // Apart from the terminal's group: Ctrl-C ends it in its turn. It ends by itself when its input does.
    const socat = spawn('socat', [`pty,link=${path},raw,echo=0`, 'STDIO'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    })
    child = socat
    let input = ''
    socat.stdin.on('error', () => {}) // written to while it ends
    socat.stdout.on('data', (chunk: Buffer) => {
      input = (input + chunk.toString('latin1')).slice(-64)
      for (let end = input.indexOf('\n'); end !== -1; end = input.indexOf('\n')) {
        if (input.slice(0, end).trim() === 'P') socat.stdin.write(model.answerAt(seconds()))
        input = input.slice(end + 1)
      }
    })
    socat.stdout.on('end', () => socat.kill())
    socat.on('error', () => (isStopped = true)) // not installed
    // Should it end by itself: the adapter is plugged in again.
    socat.on('exit', () => isStopped || setTimeout(open, 200).unref())
  }
  const stop = (): void => {
    isStopped = true
    child?.kill()
    rmSync(path, { force: true })
  }
  open()
  for (let waited = 0; waited < READY_MS && !isStopped; waited += 20) {
    if (existsSync(path)) return { yaml: scaleYaml(path), stop }
    await after(20)
  }
  stop()
  return null
}

function scaleYaml(path: string): string {
  return [
    '  - id: scale',
    '    driver: serial',
    '    machine: Packing scale',
    `    connection: { path: ${JSON.stringify(path)}, baudRate: 9600 }`,
    '    framing: { delimiter: "\\r\\n", maxBytes: 64 }',
    '    request: { send: "P\\r\\n", every: 500ms, timeout: 1s }',
    '    parse: { pattern: "^(?<stable>[SU]) +(?<weight>-?[0-9.]+) *(?<unit>kg|g)$" }',
    '    sensors:',
    '      - { id: weight, description: Weight, field: weight, unit: kg, checks: [ { type: threshold, high: 15, onDelay: 1s } ] }',
    '      - { id: stable, description: At rest, field: stable, type: boolean, map: { S: true, U: false } }',
  ].join('\n')
}
