// The example of docs/examples/grpc, as it stands there, at a brain that has nothing but itself.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { generatePython, hasPythonGrpc } from '../../uplinks/grpc/python.ts'
import { startBed, TOKENS, type Bed } from './bed.ts'

const needs = 'A program in Python (needs python3-grpcio, protobuf-compiler-grpc, libprotobuf-dev)'

describe.skipIf(!hasPythonGrpc)(needs, () => {
  const code = mkdtempSync(join(tmpdir(), 'telemetryx-python-'))
  let bed: Bed
  beforeAll(async () => {
    generatePython(code)
    bed = await startBed({ databaseUrl: 'embedded' })
  }, 180_000)
  afterAll(async () => {
    await bed.stop()
    rmSync(code, { recursive: true, force: true })
  })

  async function run(sensor: string, input: string): Promise<string[]> {
    const script = join(PACKAGE_ROOT, 'docs/examples/grpc/analytics.py')
    const child = spawn('/usr/bin/python3', [script, `127.0.0.1:${bed.port}`, TOKENS[1].token, sensor], {
      env: { ...process.env, PYTHONPATH: code, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stdin.end(input)
    await once(child, 'close')
    return output.trimEnd().split('\n')
  }

  it('watches a series and asks for a forecast', async () => {
    const now = Date.now()
    const times = Array.from({ length: 120 }, (_, minute) => now - (120 - minute) * 60_000)
    await bed.client().handIn('edge-01', { 'press-1.pressure': { times, values: times.map((_, n) => 5 + n) } })
    const values = Array.from({ length: 300 }, (_, n) => (n === 250 ? 99 : Math.sin(n)))
    const lines = await run('press-1.pressure', values.map((value) => `${value}\n`).join(''))
    expect(lines[0]).toMatch(/^anomaly 1795000250000 99\.0 99 is .* standard deviations above/)
    expect(lines[1]).toBe('scored 300')
    const forecast = lines.slice(2).map((line) => line.split(' '))
    expect(forecast).toHaveLength(10)
    // It rises by one a minute, and goes on so.
    forecast.forEach(([word, , value], step) => {
      expect(word).toBe('forecast')
      expect(Number(value)).toBeCloseTo(125 + step, 0)
    })
  })

  it('hears in words why there is no answer', async () => {
    const lines = await run('no.such', '1\n')
    expect(lines).toEqual(['scored 1', 'NOT_FOUND No sensor with stored readings matches'])
  })
})
