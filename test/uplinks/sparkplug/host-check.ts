// Runs the strict host application (check_host.py) over recorded messages, with Debian's protobuf for Python.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Debian's, which has Debian's protobuf. */
const PYTHON = '/usr/bin/python3'

export const hasPythonProtobuf =
  spawnSync('protoc', ['--version']).status === 0 && spawnSync(PYTHON, ['-c', 'import google.protobuf']).status === 0

const CHECKER = join(import.meta.dirname, 'check_host.py')
const SCHEMA = join(import.meta.dirname, '../../../third-party/sparkplug')

export interface Recorded {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: number
  readonly retain: boolean
}

/** Device (null: the node), metric, value, quality (null: not said), historical, position. */
export type HostRecord = readonly [string | null, string, unknown, number | null, boolean, string]

export interface HostReport {
  readonly violations: readonly string[]
  /** Messages by type. */
  readonly counts: Readonly<Record<string, number>>
  readonly records: readonly HostRecord[]
}

export function checkAsHost(messages: readonly Recorded[]): HostReport {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-sparkplug-'))
  try {
    execFileSync('protoc', [`--python_out=${folder}`, `-I${SCHEMA}`, join(SCHEMA, 'sparkplug_b.proto')])
    const lines = messages.map(({ topic, payload, qos, retain }) =>
      JSON.stringify({ topic, payload: Buffer.from(payload).toString('base64'), qos, retain }),
    )
    const { stdout, stderr, status } = spawnSync(PYTHON, [CHECKER], {
      input: lines.join('\n'),
      env: { ...process.env, PYTHONPATH: folder },
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    })
    if (status !== 0) throw new Error(`The host application failed: ${stderr}`)
    return JSON.parse(stdout) as HostReport
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
