// `telemetryx backtest` as a shell sees it: one row out for each row in.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LAUNCHER } from './run-command.ts'

const CONFIG = `gateway: { id: edge-01, factory: plant-a }
devices:
  - id: press-1
    driver: modbus
    connection: { transport: tcp, host: 127.0.0.1 }
    sensors:
      - id: power
        register: holding
        address: 1
        type: float32
        checks: [ { type: threshold, high: 75, highHigh: 90 }, { type: zscore, window: 20 } ]
      - { id: speed, register: holding, address: 3, type: float32 }
      - id: torque
        register: holding
        address: 5
        type: float32
        checks: [ { type: expression, when: "value > 10 && press-1.running && press-1.speed < 5" } ]
      - { id: running, register: coil, address: 0, type: bool, checks: [ { type: stale, for: 1s } ] }
`

let folder = ''
let config = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'telemetryx-backtest-'))
  config = join(folder, 'gateway.yaml')
  await writeFile(config, CONFIG)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Result {
  readonly code: number | null
  readonly rows: string[]
  readonly stderr: string
}

function backtest(input: string, args: readonly string[] = [], sensor = 'press-1.power'): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [LAUNCHER, 'backtest', '-c', config, '--sensor', sensor, ...args])
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, rows: stdout.trimEnd().split('\n'), stderr }))
    // It may have ended already, because it does not want the input.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

describe('telemetryx backtest', () => {
  it('writes a row for each row, times and values as they were, scores in [0, 1]', async () => {
    const given = Array.from({ length: 100 }, (_, n) => {
      const value = n === 60 ? '95' : n === 30 ? '' : (50 + Math.sin(n)).toFixed(3)
      return `2026-01-01 00:${String(Math.floor(n / 60)).padStart(2, '0')}:${String(n % 60).padStart(2, '0')},${value}`
    })
    const { code, rows, stderr } = await backtest(`timestamp,value\n${given.join('\n')}\n`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '100 rows, 2 alarms\n' })
    expect(rows[0]).toBe('timestamp,value,anomaly_score,alarm')
    expect(rows.slice(1).map((row) => row.split(',').slice(0, 2).join(','))).toEqual(given)
    const scores = rows.slice(1).map((row) => Number(row.split(',')[2]))
    expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true)
    expect(scores.indexOf(Math.max(...scores))).toBe(60)
    expect(rows.slice(1).flatMap((row, at) => (row.endsWith(',1') ? [at] : []))).toEqual([60])
  })

  it('takes named columns, semicolons, quotes, and Unix times', async () => {
    const input = 'a;"when ""exact""";power\r\nx;1767225600;50\r\nx;1767225601;99\r\n'
    const { rows } = await backtest(input, ['--time', 'when "exact"', '--value', 'power'])
    expect(rows.slice(1)).toEqual(['1767225600,50,0,0', expect.stringMatching(/^1767225601,99,0\.\d+,1$/)])
  })

  const TOGETHER = [
    'timestamp,press-1.torque,press-1.running,rpm',
    '2026-01-01 00:00:00,20,true,9',
    '2026-01-01 00:00:10,20,,4',
    '2026-01-01 00:00:20,,false,',
    '2026-01-01 00:00:30,20,true,9',
    '2026-01-01 00:00:40,20,true,1',
  ].join('\n')

  it('takes the other sensors of an expression from their columns, where an empty cell says nothing new', async () => {
    const given = ['--value', 'press-1.torque', '--column', 'press-1.speed=rpm']
    const { rows, stderr } = await backtest(`${TOGETHER}\n`, given, 'press-1.torque')
    expect(rows.slice(1)).toEqual([
      '2026-01-01 00:00:00,20,0,0',
      '2026-01-01 00:00:10,20,1,1',
      '2026-01-01 00:00:20,,0,0',
      '2026-01-01 00:00:30,20,0,0',
      '2026-01-01 00:00:40,20,1,1',
    ])
    expect(stderr).toBe('5 rows, 2 alarms\n')
  })

  it('says which sensor has no column, and does not judge without it', async () => {
    const { rows, stderr } = await backtest(`${TOGETHER}\n`, ['--value', 'press-1.torque'], 'press-1.torque')
    expect(stderr).toContain('There is no column press-1.speed: the checks that look at it do not judge')
    expect(rows.slice(1).every((row) => row.endsWith(',0'))).toBe(true)
  })

  it.each([
    ['an unknown sensor', 'timestamp,value\n', [], 'press-1.pwer', 'did you mean press-1.power?'],
    ['a sensor without checks', 'timestamp,value\n', [], 'press-1.speed', 'press-1.speed has no checks'],
    [
      'an unknown column',
      'timestamp,value\n',
      ['--value', 'valu'],
      'press-1.power',
      'no column valu; did you mean value?',
    ],
    ['a time that is none', 'timestamp,value\nsoon,1\n', [], 'press-1.power', 'Row 1: "soon" is no time'],
    ['an empty input', '', [], 'press-1.power', 'Standard input is empty'],
  ])('refuses %s, and says what to do', async (_name, input, args, sensor, words) => {
    const { code, stderr } = await backtest(input, args, sensor)
    expect(code).toBe(64)
    expect(stderr).toContain(words)
  })
})
