// Programs in Python over Debian's grpcio, with code made from our .proto by Debian's protoc.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PACKAGE_ROOT } from '#gateway/version.ts'

const PYTHON = '/usr/bin/python3'
const PLUGIN = '/usr/bin/grpc_python_plugin'
const WELL_KNOWN = '/usr/include'
const EXAMPLES = join(PACKAGE_ROOT, 'docs/examples/grpc')

export const hasPythonGrpc =
  existsSync(PLUGIN) &&
  existsSync(join(WELL_KNOWN, 'google/protobuf/timestamp.proto')) &&
  spawnSync(PYTHON, ['-c', 'import grpc, google.protobuf']).status === 0

/** Makes the Python code from proto/ in `folder`. */
export function generatePython(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const proto = join(PACKAGE_ROOT, 'proto')
  const files = readdirSync(join(proto, 'telemetryx/v1')).map((name) => `telemetryx/v1/${name}`)
  const out = [`--python_out=${folder}`, `--grpc_python_out=${folder}`, `--plugin=protoc-gen-grpc_python=${PLUGIN}`]
  const { status, stderr } = spawnSync('protoc', ['-I', proto, '-I', WELL_KNOWN, ...out, ...files], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`protoc: ${stderr}`)
}

export function startPython(script: string, words: readonly string[], code: string): ChildProcess {
  const env = { ...process.env, PYTHONPATH: code, PYTHONDONTWRITEBYTECODE: '1' }
  return spawn(PYTHON, [join(EXAMPLES, script), ...words], { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

/** The example receiver, at the same port from start to start. */
export class PythonReceiver {
  port = 0
  readonly file: string
  readonly #code: string
  #process: ChildProcess | null = null

  constructor(code: string, file: string) {
    this.#code = code
    this.file = file
  }

  async start(): Promise<void> {
    const child = startPython('receive.py', [`127.0.0.1:${this.port}`, this.file], this.#code)
    this.#process = child
    const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
    this.port = Number(line)
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = null
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
}
