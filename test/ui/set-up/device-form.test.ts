// What was found becomes an entry of the configuration that the gateway's own drivers accept.

import { describe, expect, it } from 'vitest'
import { createParser } from '#drivers/serial/parse.ts'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import type { SuggestedDevice, SuggestedSensor } from '../../../src/ui/client/scan.ts'
import { deviceYaml } from '../../../src/ui/editor/device-yaml.ts'
import { insertDevice } from '../../../src/ui/editor/insert-device.ts'
import {
  changedRow,
  coveredRows,
  entryOf,
  formOf,
  formProblems,
  wantedRows,
} from '../../../src/ui/set-up/device-form.ts'
import { EXAMPLES } from '../../../src/ui/set-up/examples.ts'
import { lineReadings, readBy } from '../../../src/ui/set-up/serial-lines.ts'

const HEAD = 'version: 1\ngateway: { id: edge-01, factory: Plant A }\ndevices: []\n'
const catalogue = createCatalogue({ clock: new ManualClock() })

/** What the gateway finds wrong with a configuration that has this device. */
function problemsWith(yaml: string): readonly string[] {
  const { text } = insertDevice(HEAD, yaml)!
  const result = parseGatewayConfig(text, { file: 'gateway.yaml', catalogue, env: {} })
  return result.ok ? [] : result.problems.map(({ line, message }) => `${line}: ${message}`)
}

const register = (address: number, value: number, alternatives: SuggestedSensor['alternatives'] = []) => ({
  config: { id: `holding-${address}`, register: 'holding', address },
  value,
  alternatives,
})
const FOUND: SuggestedDevice = {
  config: { id: 'plc', driver: 'modbus', connection: { host: '192.0.2.1', unit: 3 }, reads: { maxRegisters: 60 } },
  title: 'Maker · Model',
  sensors: [
    register(4, 0x428e, [{ config: { type: 'float32', order: 'ABCD' }, value: 71.25 }]),
    register(5, 0x8000),
    register(9, 7),
  ],
  left: 0,
  notes: [],
}

describe('a device that is added', () => {
  it('is accepted by the gateway as it was found, and with every reading that was offered', () => {
    const form = formOf(FOUND, new Set())
    expect(problemsWith(deviceYaml(entryOf(form)))).toEqual([])
    const asFloat = changedRow(changedRow(form, 0, { reading: 0, id: 'power', unit: 'kW' }), 2, { isWanted: false })
    expect(entryOf(asFloat).sensors).toEqual([
      { id: 'power', register: 'holding', address: 4, type: 'float32', order: 'ABCD', unit: 'kW' },
    ])
    expect(problemsWith(deviceYaml(entryOf({ ...asFloat, poll: '5s', machine: 'Press 1' })))).toEqual([])
  })

  it('does not take the second register of a value for a sensor of its own', () => {
    const form = changedRow(formOf(FOUND, new Set()), 0, { reading: 0 })
    expect([...coveredRows(form.rows)]).toEqual([1])
    expect(wantedRows(form).map(({ id }) => id)).toEqual(['holding-4', 'holding-9'])
    const unwanted = changedRow(form, 0, { isWanted: false })
    expect([...coveredRows(unwanted.rows)]).toEqual([])
  })

  it('gets an id that is free, and says what a person has to mend', () => {
    const taken = new Set(['plc', 'plc-2'])
    const form = formOf(FOUND, taken)
    expect(form.id).toBe('plc-3')
    expect(formProblems(form, taken)).toEqual([])
    const same = changedRow(changedRow(form, 0, { id: 'Oil' }), 2, { id: 'holding-5' })
    expect(formProblems({ ...same, id: 'plc' }, taken)).toEqual([
      'There is a device plc already.',
      "The sensor's id “Oil” may have small letters, digits, - and _ only.",
      'Two sensors are called holding-5.',
    ])
    const none = { ...form, rows: form.rows.map((row) => ({ ...row, isWanted: false })) }
    expect(formProblems(none, taken)).toEqual(['Choose at least one sensor.'])
  })

  it.each(EXAMPLES)('may begin from an example that the gateway accepts: $text', ({ yaml }) => {
    expect(problemsWith(yaml)).toEqual([])
  })
})

describe('a line of an instrument', () => {
  const device: SuggestedDevice = {
    config: {
      id: 'scale',
      driver: 'serial',
      connection: { path: '/dev/ttyUSB0', baudRate: 9600 },
      framing: { delimiter: '\r\n' },
      parse: { pattern: '^(?<line>.*)$' },
    },
    title: '',
    sensors: [],
    left: 0,
    notes: [],
  }

  it.each([
    ['S    12.50 kg', 'One number, with its unit', { value: '12.50', unit: 'kg' }],
    ['-3.25', 'One number, with its unit', { value: '-3.25' }],
    ['ST,GS, +  7.1kg,OK', 'One number, with its unit', { value: '+  7.1', unit: 'kg' }],
    ['12.5,3,OK', 'Columns between commas', { 1: '12.5', 2: '3', 3: 'OK' }],
    ['1.5;2.5;', 'Columns between semicolons', { 1: '1.5', 2: '2.5' }],
    ['{"weight":4.5,"stable":true}', 'JSON, a sensor for each key', { weight: 4.5, stable: true }],
    ['no number here', 'The whole line as text', { line: 'no number here' }],
  ])('%s is read as: %s', (sample, words, fields) => {
    const readings = lineReadings(sample)
    expect(readings[0]!.words).toBe(words)
    for (const reading of readings) {
      const form = formOf(readBy(device, reading), new Set())
      expect(problemsWith(deviceYaml(entryOf(form)))).toEqual([])
    }
    const parsed = createParser(readings[0]!.parse as Parameters<typeof createParser>[0])(Buffer.from(sample))
    if (parsed.kind !== 'fields') throw new Error(parsed.kind)
    for (const [field, value] of Object.entries(fields))
      expect(String(parsed.fields(/^\d+$/.test(field) ? Number(field) : field))).toBe(String(value))
  })
})
