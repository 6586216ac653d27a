// A device that was found becomes YAML that a parser reads back as the same, behind the devices that are there.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { ConfigTree } from '../../../src/ui/client/fields.ts'
import { deviceYaml, flowYaml } from '../../../src/ui/editor/device-yaml.ts'
import { insertDevice } from '../../../src/ui/editor/insert-device.ts'

const ENTRY = deviceYaml({
  config: { id: 'meter-1', driver: 'modbus', connection: { host: '192.0.2.7', unit: 3 } },
  sensors: [
    { id: 'power', register: 'holding', address: 4 },
    { id: 'on', register: 'coil', address: 0 },
  ],
})
const HEAD = 'version: 1\ngateway: { id: a, factory: b }\n'

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    'true',
    'no',
    'null',
    '~',
    '1e3',
    '0x10',
    '-',
    '- a',
    'a: b',
    ' a',
    'a #b',
    '/dev/ttyUSB0',
    'ns=2;s=A',
    '${X}',
  ),
)
const tree = fc.letrec<{ tree: ConfigTree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.integer(),
    fc.boolean(),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(text, tie('tree'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).tree

describe('a device as YAML', () => {
  it('is short keys in lines of their own and a sensor to a line', () => {
    expect(ENTRY).toBe(
      '- id: meter-1\n  driver: modbus\n  connection: { host: "192.0.2.7", unit: 3 }\n  sensors:\n' +
        '    - { id: power, register: holding, address: 4 }\n    - { id: "on", register: coil, address: 0 }\n',
    )
  })

  it('is read back as it was, whatever its texts are', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(parse(flowYaml(value))).toEqual(value)
      }),
    )
  })
})

describe('a device that is put into a configuration', () => {
  it.each([
    ['behind the others', `${HEAD}devices:\n  - id: one\n    driver: http\n\nuplinks: []\n`, 1],
    ['behind others that are not indented', `${HEAD}devices:\n- id: one\n  driver: http # pushed\n`, 1],
    ['into an empty list', `${HEAD}devices: [] # none yet\nuplinks: []\n`, 0],
    ['where the key has no value yet', `${HEAD}devices:\nuplinks: []\n`, 0],
    ['where there is no such key', `${HEAD}uplinks: []`, 0],
  ])('stands %s, and all else stays', (_where, before, others) => {
    const inserted = insertDevice(before, ENTRY)!
    const after = parse(inserted.text) as { devices: { id: string }[] }
    expect(after.devices).toHaveLength(others + 1)
    expect(after.devices.at(-1)).toEqual((parse(ENTRY) as unknown[])[0])
    expect({ ...after, devices: null }).toEqual({ ...(parse(before) as object), devices: null })
    const lines = inserted.text.split('\n').slice(inserted.from - 1, inserted.to)
    expect(lines[0]).toContain('- id: meter-1')
    expect(lines.at(-1)).toContain('register: coil')
  })

  it('is refused where the devices stand on one line: a person must paste', () => {
    expect(insertDevice(`${HEAD}devices: [{ id: one, driver: http }]\n`, ENTRY)).toBeNull()
  })
})
