// export, backup, restore and sql as a shell sees them, beside a running store.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '#store/store.ts'
import { fillStore } from '#test/store/filled-store.ts'
import { openTestStore, temporaryFolder } from '#test/store/open-test-store.ts'
import { LAUNCHER, run, telemetryx } from './run-command.ts'

// As on a real machine: a secret of the service that this shell does not have, sensors in a file.
const CONFIG = `gateway: { id: edge-01, factory: Plant A }
data: ../data
devices:
  - id: press-1
    driver: modbus
    connection: { host: "\${PRESS_HOST}" }
    sensors: [ { id: power, register: holding, address: 1, unit: kW } ]
  - { id: press-2, driver: modbus, connection: { host: 192.0.2.11 }, sensorsFile: press-2.csv }
`

const folder = temporaryFolder()
const data = join(folder.path, 'data')
const config = join(folder.path, 'etc', 'gateway.yaml')
let store: Store

beforeAll(async () => {
  mkdirSync(join(folder.path, 'etc'))
  writeFileSync(config, CONFIG)
  writeFileSync(join(folder.path, 'etc', 'press-2.csv'), 'id,register,address,unit\npower,holding,7,W\n')
  store = (await openTestStore(data)).store
  await fillStore(store)
})
afterAll(async () => {
  await store.close()
  folder[Symbol.dispose]()
})

const at = (args: readonly string[]) => telemetryx(args, { cwd: folder.path })

describe('telemetryx export', () => {
  it('takes the data folder and the units from a configuration whose secrets it does not have', async () => {
    const args = ['export', '-c', config, '--sensor', '*.power', '--from', '1767225600000']
    const { code, stdout, stderr } = await at([...args, '--to', '2026-01-01T00:00:01Z', '--format', 'csv'])
    expect(stdout.split('\r\n')).toEqual([
      'time,sensor,value,quality,status,unit',
      '2026-01-01T00:00:00.000Z,press-1.power,-0,good,Good,kW',
      '2026-01-01T00:00:00.500Z,press-2.power,7,uncertain,UncertainLastUsableValue,W',
      '',
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '2 readings of 2 sensors\n' })
  })

  it('writes a file that appears when it is whole, and sums it up as JSON', async () => {
    const args = ['export', '--data', data, '--sensor', 'press-1.power', '--format', 'csv', '-o', 'out.csv', '--json']
    const { code, stdout, stderr } = await at(args)
    const text = readFileSync(join(folder.path, 'out.csv'))
    const summary = { rows: 120, sensors: 1, bytes: text.length, format: 'csv', file: 'out.csv', damaged: [] }
    expect({ code, stderr, summary: JSON.parse(stdout) as unknown }).toEqual({ code: 0, stderr: '', summary })
    expect(readdirSync(folder.path).filter((name) => name.includes('partial'))).toEqual([])
  })

  it('says that there is nothing in the range, and exits with 0', async () => {
    const { code, stdout, stderr } = await at([
      'export',
      '--data',
      data,
      '--sensor',
      '*',
      '--from',
      '-1s',
      '--format',
      'jsonl',
    ])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: '0 rows: nothing is stored for this in the range\n',
    })
  })

  it.each([
    [['--sensor', 'press-1.powr'], 'No stored sensor is called "press-1.powr"; did you mean press-1.power?'],
    [['--sensor', '*', '--from', 'yesterday'], '--from "yesterday" is no time'],
    [['--sensor', '*', '--from', '2026-01-01'], 'has no time zone; write 2026-01-01T00:00:00Z for UTC'],
    [['--sensor', '*', '--from', '-1h', '--to', '-2h'], '--from must be before --to'],
    [['--sensor', '*', '--every', '5'], '--every "5" must be a duration'],
    [['--sensor', 'press-1.state', '--every', '1m'], 'press-1.state holds texts'],
  ])('refuses %j with 64', async (args, message) => {
    const { code, stdout, stderr } = await at(['export', '--data', data, ...args, '--format', 'csv'])
    expect(stderr).toContain(message)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  })

  it('refuses a folder that holds no data with 64, and makes nothing in it', async () => {
    const { code, stderr } = await at(['export', '--data', 'etc/none', '--sensor', '*', '--format', 'csv'])
    expect(stderr).toContain('holds no telemetryx.db')
    expect({ code, made: existsSync(join(folder.path, 'etc', 'none')) }).toEqual({ code: 64, made: false })
  })

  it.skipIf(!existsSync('/dev/full'))('exits with 74 when the disk is full (needs /dev/full)', async () => {
    const args = ['export', '--data', data, '--sensor', '*', '--format']
    const file = await at([...args, 'parquet', '-o', '/dev/full'])
    expect(file).toMatchObject({ code: 74, stderr: expect.stringContaining('the disk is full') })
    const piped = await run(
      'bash',
      ['-c', `"${process.execPath}" "${LAUNCHER}" ${args.join(' ').replace('*', "'*'")} csv > /dev/full`],
      {
        cwd: folder.path,
      },
    )
    expect(piped).toMatchObject({ code: 74, stderr: expect.stringContaining('standard output cannot be written') })
  })

  it.skipIf(!existsSync('/usr/bin/script'))('does not print Parquet on a terminal (needs script)', async () => {
    const command = `"${process.execPath}" "${LAUNCHER}" export --data "${data}" --sensor '*' --format parquet`
    const { code, stdout } = await run('/usr/bin/script', ['-qec', command, '/dev/null'], { cwd: folder.path })
    expect(stdout).toContain('Parquet is not for a terminal')
    expect(code).toBe(64)
  })
})

describe('telemetryx backup and restore', () => {
  it('keep data, configuration and sensor files in one private file, and bring them back', async () => {
    const backup = await at(['backup', '-c', config, 'b.tar', '--json'])
    expect(backup).toMatchObject({ code: 0, stderr: '' })
    const files = ['telemetryx.db', 'config/gateway.yaml', 'config/press-2.csv']
    expect(JSON.parse(backup.stdout)).toMatchObject({ file: 'b.tar', epoch: 1, files, leftOut: [] })
    expect(readdirSync(folder.path).filter((name) => name.startsWith('b.tar'))).toEqual(['b.tar'])
    const restore = await at(['restore', 'b.tar', '--data', 'again'])
    expect(restore).toMatchObject({ code: 0, stderr: '' })
    expect(restore.stdout).toContain('Start it with: telemetryx gateway -c again/config/gateway.yaml --data again')
    expect(readFileSync(join(folder.path, 'again', 'config', 'gateway.yaml'), 'utf8')).toBe(CONFIG)
    const csv = ['--sensor', '*', '--format', 'csv']
    const original = await at(['export', '--data', data, ...csv])
    expect((await at(['export', '--data', 'again', ...csv])).stdout).toBe(original.stdout)
  })

  it('refuses to restore over data with 69, under a running gateway and from a damaged file with 74', async () => {
    await at(['backup', '--data', data, 'c.tar'])
    expect((await at(['restore', 'c.tar', '--data', 'twice'])).code).toBe(0)
    expect(await at(['restore', 'c.tar', '--data', 'twice'])).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('--force sets them aside'),
    })
    expect(await at(['restore', 'c.tar', '--data', data, '--force'])).toMatchObject({
      code: 74,
      stderr: expect.stringContaining('STORE_LOCKED'),
    })
    writeFileSync(join(folder.path, 'd.tar'), readFileSync(join(folder.path, 'c.tar')).subarray(0, 30_000))
    expect(await at(['restore', 'd.tar', '--data', 'third'])).toMatchObject({
      code: 74,
      stderr: expect.stringContaining('no sound backup'),
    })
  })
})

describe('telemetryx sql', () => {
  const ask = (args: readonly string[]) => at(['sql', '--data', data, ...args])

  it('prints a table, CSV or JSON, 64-bit integers in full', async () => {
    const query = `SELECT sensor, value FROM readings_of('press-1.count') WHERE value > 0 ORDER BY value`
    expect((await ask([query])).stdout).toBe(
      'sensor         value\n' +
        '-------------  ----------------\n' +
        'press-1.count                 7\n' +
        'press-1.count  9007199254740993\n',
    )
    expect((await ask([query, '--format', 'csv'])).stdout).toBe(
      'sensor,value\r\npress-1.count,7\r\npress-1.count,9007199254740993\r\n',
    )
    expect(JSON.parse((await ask([query, '--format', 'json'])).stdout)).toEqual([
      { sensor: 'press-1.count', value: 7 },
      { sensor: 'press-1.count', value: '9007199254740993' },
    ])
  })

  it('takes several statements from standard input, and a range for all of them', async () => {
    const command = `printf '.tables\\nSELECT 1;' | "${process.execPath}" "${LAUNCHER}" sql --data "${data}"`
    const { stdout } = await run('bash', ['-c', command])
    expect(stdout).toMatch(/^sensors\(sensor, value_type, unit\)\nreadings\([^]*\n\n1\n-\n1\n$/)
    const two = await ask(['--to', '2026-01-01T00:00:01Z', 'SELECT count(*) AS n FROM readings; SELECT 2 AS m'])
    expect(two.stdout).toBe('n\n-\n6\n\nm\n-\n2\n')
  })

  it('shows control characters of texts as codes in a table', async () => {
    const { stdout } = await ask([`SELECT value FROM readings WHERE sensor = 'press-1.state' LIMIT 1`])
    expect(stdout.split('\n')[2]).toBe('said "on", then\\u000d\\u000aö; 1,5')
  })

  it('refuses what is no query with 64', async () => {
    expect(await ask(['DROP TABLE sensors'])).toMatchObject({ code: 64, stdout: '' })
    expect(await ask([`SELECT * FROM readings_of('*', 'yesterday')`])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('"yesterday" is no time'),
    })
  })
})
