// Modbus slaves of other implementations, in processes of their own: pymodbus (Debian python3-pymodbus and
// python3-serial-asyncio) and libmodbus (Debian libmodbus-dev and a C compiler). Each takes a free port of 127.0.0.1, and
// has 2000 addresses in each table; addresses beyond are refused with exception 2.
//
//   const slave = await startPymodbusSlave([1, 2])
//   await slave.set('holding', 0, [1, 2, 3])
//   await slave.store({ table: 'holding', address: 10, type: 'float32', order: 'CDAB', value: '1.5' })
//   … new device on 127.0.0.1:slave.port …
//   await slave.stop()

import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'

export type Table = 'coil' | 'discrete' | 'holding' | 'input'

export interface ModbusSlave {
  /** 0 on a serial port. */
  readonly port: number
  /** Sets consecutive registers (0 … 65535) or bits (0, 1). Units: pymodbus only, default 1. */
  set(table: Table, address: number, values: readonly number[], unit?: number): Promise<void>
  get(table: Table, address: number, count: number, unit?: number): Promise<number[]>
  /** Ends the process; safe to call twice. */
  stop(): Promise<void>
}

export interface StoredValue {
  readonly table: Table
  readonly address: number
  /** As in the driver's configuration; text as `string`. */
  readonly type: string
  /** One letter for each byte, `ABCDEFGH` for 64 bits, `AB` for 16. Ignored for text. */
  readonly order: string
  /** Decimal digits, `nan`, `inf`, or text. */
  readonly value: string
  readonly unit?: number
}

export interface PymodbusSlave extends ModbusSlave {
  /** Puts a value into registers by Python's own struct module. */
  store(value: StoredValue): Promise<void>
}

export interface LibmodbusSlave extends ModbusSlave {
  /** Puts a value into registers by C's own means, most significant register first. */
  store(type: 'int32' | 'int64' | 'float', table: 'holding' | 'input', address: number, value: string): Promise<void>
}

// Debian's Python, by its full path: another one on the PATH would not see Debian's packages.
const PYTHON = '/usr/bin/python3'
const LIBMODBUS_FLAGS = ['-I/usr/include/modbus', '-lmodbus']

/** True when Debian's pymodbus can serve. */
export const hasPymodbus = spawnSync(PYTHON, ['-c', 'import pymodbus.server']).status === 0

/** True when a C compiler and libmodbus's header are there. */
export const hasLibmodbus =
  spawnSync('cc', ['-E', '-I/usr/include/modbus', '-x', 'c', '-'], { input: '#include <modbus.h>\n' }).status === 0

/**
 * @param units unit ids that answer; others stay silent.
 * @param serialPath serial port for RTU; without it, Modbus TCP.
 */
export async function startPymodbusSlave(
  units: readonly number[] = [1],
  serialPath: string | null = null,
): Promise<PymodbusSlave> {
  const serial = serialPath === null ? [] : ['--serial', serialPath]
  const child = spawn(PYTHON, [join(import.meta.dirname, 'pymodbus-slave.py'), ...units.map(String), ...serial], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = new Conversation(child)
  const { port } = JSON.parse(await lines.next()) as { port: number }
  const ask = async (command: object): Promise<{ values?: number[] }> => {
    const answer = JSON.parse(await lines.ask(JSON.stringify(command))) as { values?: number[]; error?: string }
    if (answer.error !== undefined) throw new Error(`pymodbus: ${answer.error}`)
    return answer
  }
  return {
    port,
    set: async (table, address, values, unit = 1) => void (await ask({ set: table, address, values, unit })),
    get: async (table, address, count, unit = 1) => (await ask({ get: table, address, count, unit })).values ?? [],
    store: async ({ table, ...rest }) => void (await ask({ store: table, ...rest })),
    stop: () => lines.end(),
  }
}

/** Compiles the slave into a temporary folder and starts it; on a serial port, it is one unit of an RTU line. */
export async function startLibmodbusSlave(serial?: { path: string; unit: number }): Promise<LibmodbusSlave> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-libmodbus-'))
  const program = join(folder, 'libmodbus-slave')
  execFileSync('cc', ['-O1', '-o', program, join(import.meta.dirname, 'libmodbus-slave.c'), ...LIBMODBUS_FLAGS])
  const line = serial === undefined ? [] : [serial.path, String(serial.unit)]
  const lines = new Conversation(spawn(program, line, { stdio: ['pipe', 'pipe', 'inherit'] }))
  const port = Number((await lines.next()).replace('port ', ''))
  const ask = async (command: string): Promise<number[]> => {
    const [verdict, ...values] = (await lines.ask(command)).split(' ')
    if (verdict !== 'ok') throw new Error(`libmodbus did not understand: ${command}`)
    return values.map(Number)
  }
  return {
    port,
    set: async (table, address, values) => {
      for (const [index, value] of values.entries()) await ask(`set ${table} ${address + index} ${value}`)
    },
    get: (table, address, count) => ask(`get ${table} ${address} ${count}`),
    store: async (type, table, address, value) => void (await ask(`${type} ${table} ${address} ${value}`)),
    stop: async () => {
      await lines.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Lines to and from a child process, one answer for each question. */
class Conversation {
  readonly #child: ChildProcess
  readonly #reader: Interface
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = []
  readonly #early: string[] = []

  constructor(child: ChildProcess) {
    this.#child = child
    this.#reader = createInterface({ input: child.stdout! })
    this.#reader.on('line', (line) => {
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#early.push(line)
      else waiting.resolve(line)
    })
    child.once('exit', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('The Modbus slave ended'))
    })
  }

  next(): Promise<string> {
    const early = this.#early.shift()
    if (early !== undefined) return Promise.resolve(early)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  ask(line: string): Promise<string> {
    const answer = this.next()
    this.#child.stdin!.write(`${line}\n`)
    return answer
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
  }
}
