// Sensors from a CSV file: the same keys as columns, problems at line and column of the CSV.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCsv } from '#config/csv.ts'
import { Problems } from '#config/problems.ts'
import { configOf, device, problemsOf } from './parse.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-csv-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const yaml = device('{ id: a, driver: bench, connection: { transport: tcp, host: h }, sensorsFile: points.csv }')
const yamlFile = (): string => join(folder, 'gateway.yaml')

function sensorsOf(csv: string) {
  writeFileSync(join(folder, 'points.csv'), csv)
  return configOf(yaml, {}, yamlFile()).devices[0]?.sensors
}

/** Problems as `LINE:COLUMN: message`; the file's name is checked on the way. */
function csvProblems(csv: string): string[] {
  writeFileSync(join(folder, 'points.csv'), csv)
  const lead = `${join(folder, 'points.csv')}:`
  return problemsOf(yaml, {}, yamlFile()).map((problem) => {
    expect(problem.startsWith(lead)).toBe(true)
    return problem.slice(lead.length)
  })
}

describe('a file of sensors', () => {
  it('gives sensors as the YAML would', () => {
    const header =
      'id,address,type,unit,writable,poll,scale.factor,deadband.absolute,checks.threshold.high,checks.threshold.onDelay,checks.zscore.window'
    expect(sensorsOf(`${header}\nflow,7,float,l/min,TRUE,500ms,0.1,2,80,3s,50\n`)).toEqual([
      {
        id: 'flow',
        description: '',
        unit: 'l/min',
        writable: true,
        writeLimits: null,
        scale: { factor: 0.1, offset: 0 },
        deadband: { absolute: 2, maxIntervalMs: null },
        checks: [
          { type: 'threshold', high: 80, hysteresis: 0, onDelay: 3000, offDelay: 0 },
          { type: 'zscore', window: 50, sigma: 4, onDelay: 0, offDelay: 0 },
        ],
        pollMs: 500,
        valueType: 'number',
        config: { address: 7, type: 'float' },
      },
    ])
  })

  it('takes an empty cell as not given', () => {
    const sensors = sensorsOf('id,address,unit,scale.factor,checks.threshold.high\na,1,,,\nb,2,bar,,5\n')
    expect(sensors?.map(({ id, unit, scale, checks }) => [id, unit, scale, checks.length])).toEqual([
      ['a', '', null, 0],
      ['b', 'bar', null, 1],
    ])
  })

  it.each([
    ['semicolons', 'id;address\na;1\n'],
    ['tabs', 'id\taddress\na\t1\n'],
    ['quotes and spaces', ' id , "address"\n"a",  1 \n'],
    ['Windows line ends and a byte order mark', '\uFEFFid,address\r\na,1\r\n'],
    ['comments and blank lines', '# made by hand\n\nid,address\n# a,9\n\na,1'],
    ['hexadecimal addresses', 'id,address\na,0x1\n'],
  ])('may have %s', (_, csv) => {
    expect(sensorsOf(csv)).toMatchObject([{ id: 'a', config: { address: 1 } }])
  })

  it('keeps commas, quotes and newlines of a quoted cell', () => {
    expect(sensorsOf('id,address,description\na,1,"one, ""two""\nthree"\n')?.[0]?.description).toBe('one, "two"\nthree')
  })

  it.each([
    ['an unknown column', 'id,adress\na,1\n', ['1:4: unknown column "adress"; did you mean "address"?']],
    ['a column that stands twice', 'id,address,id\na,1,b\n', ['1:12: the column "id" stands twice']],
    ['a column without a name', 'id,address,\na,1,\n', ['1:12: a column without a name']],
    [
      'a cell of another type',
      'id,address\na,1\nb,two\n',
      ['3:3: address: expected a whole number from 0 to 65535, found "two"'],
    ],
    [
      'a decimal comma',
      'id;address;scale.factor\na;1;0,5\n',
      ['2:5: scale.factor: expected a number, found "0,5"; write 0.5'],
    ],
    ['a missing column', 'id\na\nb\n', ['1:1: missing column "address"']],
    ['a missing cell', 'id,address\n,1\n', ['2:1: missing required key "id"']],
    [
      'a row that is too long',
      'id,address\na,1,2\n',
      ['2:5: this row has more cells than the first line has columns (2)'],
    ],
    [
      'an id that stands twice',
      'id,address\na,1\nb,2\na,3\n',
      ['4:1: id: another sensor is named "a" too; it is first at line 2'],
    ],
    [
      'a rule',
      'id,address,checks.threshold.low,checks.threshold.high\na,1,9,5\n',
      ['2:7: checks[0].high: must be greater than low (9), found 5'],
    ],
    [
      "the driver's rule, after a row with a problem",
      'id,address\na,x\nb,666\n',
      ['2:3: address: expected a whole number from 0 to 65535, found "x"', '3:3: address: this address is taken'],
    ],
    [
      'an open quote',
      'id,address\n"a,1\n',
      [
        '2:1: a quoted cell is not closed: " is missing',
        '2:1: id: expected an id (up to 64 lower-case letters, digits, "-" and "_", beginning with a letter or digit), found "a,1\\n"; did you mean a-1?',
        '2:1: missing required key "address"',
      ],
    ],
    ['an empty file', '', ['1:1: the file is empty; its first line names the columns']],
  ])('says where %s is', (_, csv, problems) => {
    expect(csvProblems(csv)).toEqual(problems)
  })

  it('says where it is not UTF-8', () => {
    writeFileSync(join(folder, 'points.csv'), Buffer.from('id,address,unit\na,1,\u00b0C\n', 'latin1'))
    expect(problemsOf(yaml, {}, yamlFile())).toEqual([
      `${join(folder, 'points.csv')}:2:5: the file is not UTF-8; save it as UTF-8`,
    ])
  })

  it('is reported where the YAML names it when it is missing', () => {
    const missing = yaml.replace('points.csv', 'pionts.csv')
    expect(problemsOf(missing, {}, yamlFile())).toEqual([
      `3:83: devices[0].sensorsFile: ${join(folder, 'pionts.csv')} cannot be read: there is no such file`,
    ])
  })

  it('does not show the folder when that came from a reference', () => {
    writeFileSync(join(folder, 'points.csv'), 'id\na\n')
    const referenced = yaml.replace('points.csv', '"${SOME_FOLDER}/points.csv"')
    const problems = problemsOf(referenced, { SOME_FOLDER: folder }, 'gateway.yaml')
    expect(problems).toEqual(['${SOME_FOLDER}/points.csv:1:1: missing column "address"'])
  })

  it('reads back every table that is written by the rules of RFC 4180', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'b', ',', ';', '"', '\n', ' ', '#', 'ü') })
    const tables = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(tables, (rows) => {
        const quoted = rows.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(','))
        // The delimiter is told from the first line: one of plain names, as every file of sensors has.
        const csv = `a,b,c,d\n${quoted.join('\n')}\n`
        const problems = new Problems()
        const read = parseCsv(csv, 'f.csv', problems)
          .slice(1)
          .map((row) => row.map(({ text }) => text))
        expect(read).toEqual(rows.filter((row) => row.some((text) => text !== '')))
        expect(problems.size).toBe(0)
      }),
    )
  })
})
