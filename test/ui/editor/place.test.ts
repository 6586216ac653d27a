// What the editor offers at a place: the way there in a half-written text, and what the gateway's own schema allows.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { insertSensors } from '../../../src/ui/editor/insert-sensors.ts'
import { explain, keyOffers, schemasAt, valueOffers, type Schema } from '../../../src/ui/editor/schema-place.ts'
import { keyAt, placeOf } from '../../../src/ui/editor/yaml-place.ts'

const path = fileURLToPath(new URL('../../../config/gateway.schema.json', import.meta.url))
const schema = JSON.parse(readFileSync(path, 'utf8')) as Schema

/** What is offered at the `|` of a text. */
function offered(marked: string): readonly string[] {
  const at = marked.indexOf('|')
  const place = placeOf(marked.replace('|', ''), at)
  if (place === null) return []
  const schemas = schemasAt(schema, place.steps)
  return place.kind === 'key' ? keyOffers(schemas, place.siblings).map(({ key }) => key) : valueOffers(schemas)
}

describe('What the editor offers', () => {
  it('is the sections at the root, without those that are there', () => {
    expect(offered('gateway: { id: a, factory: b }\n|')).toEqual(expect.arrayContaining(['devices', 'uplinks', 'http']))
    expect(offered('gateway: { id: a, factory: b }\n|')).not.toContain('gateway')
  })

  it('is the keys of the chosen driver, in block and in flow style', () => {
    expect(offered('devices:\n  - id: a\n    driver: modbus\n    |\n')).toContain('connection')
    expect(offered('devices:\n  - { id: a, driver: modbus, | }\n')).toContain('connection')
    expect(offered('devices:\n  - id: a\n    driver: modbus\n    connection: { ho| }\n')).toContain('host')
    expect(offered('devices:\n  - id: a\n    driver: modbus\n    connection:\n      |\n')).toContain('host')
    expect(offered('devices:\n  - id: a\n    driver: mqtt\n    |\n')).not.toContain('reads')
  })

  it('is the keys of a sensor of that driver', () => {
    const text = 'devices:\n  - id: a\n    driver: modbus\n    sensors:\n      - { id: x, | }\n'
    expect(offered(text)).toEqual(expect.arrayContaining(['register', 'address']))
    expect(offered(text)).not.toContain('id')
  })

  it('is the words that a key takes', () => {
    expect(offered('devices:\n  - id: a\n    driver: mod|\n')).toEqual(expect.arrayContaining(['modbus', 'opcua']))
    expect(offered('http: { auth: | }\n')).toEqual(expect.arrayContaining(['required', 'none']))
  })

  it('is nothing in a comment and below an unknown key', () => {
    expect(offered('# gate|')).toEqual([])
    expect(offered('nonsense:\n  a|\n')).toEqual([])
  })
})

it('explains the key under the mouse', () => {
  const text = 'devices:\n  - id: a\n    driver: modbus\n    poll: 1s\n'
  const key = keyAt(text, text.indexOf('poll') + 1)!
  expect(text.slice(key.from, key.to)).toBe('poll')
  expect(explain(schemasAt(schema, key.steps))?.description).not.toBe('')
})

describe('Imported sensors', () => {
  const text =
    'devices:\n  - id: a\n    sensors:\n      - { id: x }\n    poll: 1s # often\n  - id: b\n    sensors: []\n'

  it('stand behind those of their device, and all else stays as it was written', () => {
    expect(insertSensors(text, 'a', '- { id: y }\n- { id: z }\n')).toBe(
      text.replace('- { id: x }\n', '- { id: x }\n      - { id: y }\n      - { id: z }\n'),
    )
  })

  it('are left to a person where there is no list in lines of its own', () => {
    expect(insertSensors(text, 'b', '- { id: y }\n')).toBeNull()
    expect(insertSensors(text, 'c', '- { id: y }\n')).toBeNull()
  })
})
