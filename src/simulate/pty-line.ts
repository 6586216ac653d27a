// The far end of a serial line: a pseudo-terminal that socat makes (Node cannot make one without native code), or a serial
// port of this machine with a cable to the gateway's.

import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, lstatSync, readlinkSync, rmSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { TelemetryError } from '#domain/errors.ts'

const READY_MS = 5000
const REOPEN_MS = 200

export interface FarEnd {
  write(bytes: Uint8Array): void
  /** Takes the port away (true) and gives it back (false), as an adapter that is unplugged. */
  setUnplugged(isUnplugged: boolean): Promise<void>
  close(): Promise<void>
}

export interface SerialLineSpec {
  readonly path: string
  readonly baudRate: number
  readonly parity: 'none' | 'even' | 'odd'
  readonly dataBits: 7 | 8
  readonly stopBits: 1 | 2
}

/** Opens a serial port that is there, else makes a pseudo-terminal. Throws RUNTIME_MISSING (no socat), CONNECTION_FAILED. */
export async function openFarEnd(line: SerialLineSpec, onData: (chunk: Buffer) => void): Promise<FarEnd> {
  if (isRealPort(line.path)) return openPort(line, onData)
  const pty = new PtyEnd(line.path, onData)
  await pty.open()
  return pty
}

/** A link into /dev/pts is left over from a run before. */
function isRealPort(path: string): boolean {
  try {
    return !(lstatSync(path).isSymbolicLink() && readlinkSync(path).startsWith('/dev/pts/'))
  } catch {
    return false
  }
}

class PtyEnd implements FarEnd {
  readonly #path: string
  readonly #onData: (chunk: Buffer) => void
  #child: ChildProcess | null = null
  #isWanted = true
  #isMissing = false

  constructor(path: string, onData: (chunk: Buffer) => void) {
    this.#path = path
    this.#onData = onData
  }

  async open(): Promise<void> {
    this.#spawn()
    for (let waited = 0; waited < READY_MS && !this.#isMissing; waited += 20) {
      if (existsSync(this.#path)) return
      await after(20)
    }
    await this.close()
    throw new TelemetryError(
      'RUNTIME_MISSING',
      `${this.#path} cannot be made: install socat, or name a serial port of this machine`,
    )
  }

  write(bytes: Uint8Array): void {
    this.#child?.stdin?.write(bytes)
  }

  async setUnplugged(isUnplugged: boolean): Promise<void> {
    if (isUnplugged === !this.#isWanted) return
    if (isUnplugged) return this.close()
    this.#isWanted = true
    await this.open()
  }

  close(): Promise<void> {
    this.#isWanted = false
    this.#child?.kill()
    this.#child = null
    rmSync(this.#path, { force: true })
    return Promise.resolve()
  }

  #spawn(): void {
    rmSync(this.#path, { force: true })
    // Apart from the terminal's group: Ctrl-C ends it in its turn. It ends by itself when its input does.
    const socat = spawn('socat', [`pty,link=${this.#path},raw,echo=0`, 'STDIO'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    })
    this.#child = socat
    socat.stdin.on('error', () => {}) // written to while it ends
    socat.stdout.on('data', (chunk: Buffer) => {
      if (this.#child === socat) this.#onData(chunk)
    })
    socat.stdout.on('end', () => socat.kill())
    socat.on('error', () => (this.#isMissing = true))
    // Should it end by itself: the adapter is plugged in again.
    socat.on('exit', () => {
      if (this.#isWanted && this.#child === socat) setTimeout(() => this.#isWanted && this.#spawn(), REOPEN_MS).unref()
    })
  }
}

async function openPort(line: SerialLineSpec, onData: (chunk: Buffer) => void): Promise<FarEnd> {
  const { SerialPort } = await import('serialport')
  const port = new SerialPort({ ...line, lock: true, autoOpen: false })
  await new Promise<void>((resolve, reject) => {
    port.open((cause) =>
      cause === null
        ? resolve()
        : reject(new TelemetryError('CONNECTION_FAILED', `${line.path} cannot be opened: ${cause.message}`, { cause })),
    )
  })
  let isUnplugged = false
  port.on('data', (chunk: Buffer) => {
    if (!isUnplugged) onData(chunk)
  })
  port.on('error', () => {})
  return {
    write: (bytes) => void (isUnplugged || port.write(Buffer.from(bytes))),
    // Nobody can pull the plug of a real port from here: it falls silent.
    setUnplugged: (wanted) => {
      isUnplugged = wanted
      return Promise.resolve()
    },
    close: () => new Promise((resolve) => port.close(() => resolve())),
  }
}
