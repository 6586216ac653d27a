// Keys, types and units: what is said about each mistake, and where. The exact words are what a user sees.

import { describeProblems, device, sensor, gatewayWith, withSensors, type Case } from './parse.ts'

const KEYS: readonly Case[] = [
  ['a misspelt key', gatewayWith('htpp: { port: 80 }'), ['2:1: htpp: unknown key; did you mean "http"?']],
  [
    'a key in another style',
    gatewayWith('store: { flush_interval: 1s }'),
    ['2:10: store.flush_interval: unknown key; did you mean "flushInterval"?'],
  ],
  ['a key that nothing is near', gatewayWith('zebra: 1'), ['2:1: zebra: unknown key']],
  ['a key of a later version', gatewayWith('central: { port: 8090 }'), ['2:1: central: unknown key']],
  [
    'a misspelt key deep inside',
    withSensors('{ id: x, adress: 1 }'),
    ['7:18: devices[0].sensors[0].adress: unknown key; did you mean "address"?'],
  ],
  [
    'a misspelt key of the common part',
    sensor('untit: bar'),
    ['7:30: devices[0].sensors[0].untit: unknown key; did you mean "unit"?'],
  ],
  ['a missing key', 'gateway: { id: edge-01 }', ['1:10: gateway: missing required key "factory"']],
  ['a missing group', 'http: { port: 80 }', ['1:1: missing required key "gateway"']],
  [
    'a key that stands twice',
    gatewayWith('http:\n  port: 80\n  port: 81'),
    ['4:3: http.port: this key stands twice; it is first at line 3'],
  ],
  ['a key that is no word', gatewayWith('? [a, b]\n: 1'), ['2:3: a key must be one word']],
  ['a key named like an inherited property', gatewayWith('constructor: 1'), ['2:1: constructor: unknown key']],
  ['a key __proto__', gatewayWith('__proto__: { version: 1 }'), ['2:1: __proto__: unknown key']],
]

const TYPES: readonly Case[] = [
  [
    'text for a number',
    gatewayWith('http: { port: high }'),
    ['2:15: http.port: expected a whole number from 0 to 65535, found the text "high"'],
  ],
  [
    'a number out of range',
    gatewayWith('http: { port: 70000 }'),
    ['2:15: http.port: expected a whole number from 0 to 65535, found the number 70000'],
  ],
  [
    'a fraction for a whole number',
    gatewayWith('http: { port: 80.5 }'),
    ['2:15: http.port: expected a whole number from 0 to 65535, found the number 80.5'],
  ],
  [
    'no number at all',
    sensor('scale: { factor: .nan }'),
    ['7:47: devices[0].sensors[0].scale.factor: expected a number, found the number NaN'],
  ],
  [
    'a number for text',
    'gateway: { id: e, factory: 5 }',
    [
      '1:28: gateway.factory: expected text of 1 to 100 characters, found the number 5; put it in quotes if it is meant as text: "5"',
    ],
  ],
  [
    'text for a truth value',
    sensor('writable: yes'),
    ['7:40: devices[0].sensors[0].writable: expected true or false, found the text "yes"; did you mean true?'],
  ],
  ['a list for a map', gatewayWith('http: [80]'), ['2:7: http: expected keys with values, found a list']],
  [
    'a map for a list',
    gatewayWith('devices:\n  id: x'),
    ['3:3: devices: expected a list, found keys with values; begin each entry with "- "'],
  ],
  [
    'nothing for a list',
    gatewayWith('devices:'),
    ['2:1: devices: expected a list, found no value; write [] for an empty list'],
  ],
  [
    'nothing for a number',
    gatewayWith('http:\n  port:'),
    ['3:3: http.port: expected a whole number from 0 to 65535, found no value'],
  ],
  ['text for a device', device('press-1'), ['3:5: devices[0]: expected keys with values, found the text "press-1"']],
  [
    'a word outside of a choice',
    gatewayWith('store: { sync: ful }'),
    ['2:16: store.sync: expected one of normal, full, found the text "ful"; did you mean full?'],
  ],
  ['another version', gatewayWith('version: 2'), ['2:10: version: expected 1, found the number 2']],
  [
    'an id with capitals',
    'gateway: { id: Edge 01, factory: f }',
    [
      '1:16: gateway.id: expected an id (up to 64 lower-case letters, digits, "-" and "_", beginning with a letter or digit), found the text "Edge 01"; did you mean edge-01?',
    ],
  ],
  [
    'a long text is cut short',
    gatewayWith(`store: { sync: ${'long '.repeat(20)}}`),
    [`2:16: store.sync: expected one of normal, full, found the text "${'long '.repeat(8)}…"`],
  ],
  ['the whole file a list', '- a\n- b', ['1:1: expected keys with values, found a list']],
]

const UNITS: readonly Case[] = [
  [
    'a duration without unit',
    gatewayWith('store: { flushInterval: 5 }'),
    [
      '2:25: store.flushInterval: expected a duration such as 500ms, 1s or 5m, found the number 5; give it a unit: 5ms or 5s?',
    ],
  ],
  [
    'a duration in words',
    gatewayWith('store: { flushInterval: 5 seconds }'),
    [
      '2:25: store.flushInterval: expected a duration such as 500ms, 1s or 5m, found the text "5 seconds"; did you mean 5s?',
    ],
  ],
  [
    'a size with a space',
    gatewayWith('store: { maxSize: 8 GB }'),
    ['2:19: store.maxSize: expected a size such as 512MiB or 8GiB, found the text "8 GB"; did you mean 8GiB?'],
  ],
  [
    'a size without unit',
    gatewayWith('store: { maxSize: 512 }'),
    ['2:19: store.maxSize: expected a size such as 512MiB or 8GiB, found the number 512; give it a unit: 512MiB?'],
  ],
  [
    'a size too small',
    gatewayWith('store: { maxSize: 1MiB }'),
    ['2:19: store.maxSize: must be at least 16MiB, found 1MiB'],
  ],
  [
    'a flush interval too long',
    gatewayWith('store: { flushInterval: 5m }'),
    ['2:25: store.flushInterval: must be from 10ms to 1m, found 5m'],
  ],
  [
    'a retention of nothing',
    gatewayWith('store: { retention: { raw: 0 } }'),
    ['2:28: store.retention.raw: must be longer than 0, found 0'],
  ],
  [
    'a poll too fast for a device',
    device('{ id: a, driver: bench, poll: 5ms, connection: { transport: tcp, host: h } }'),
    ['3:35: devices[0].poll: must be from 10ms to 1d, found 5ms'],
  ],
  [
    'a poll too fast for a sensor',
    sensor('poll: 0'),
    ['7:36: devices[0].sensors[0].poll: must be from 10ms to 1d, found 0'],
  ],
]

describeProblems('problems with keys', KEYS)
describeProblems('problems with types', TYPES)
describeProblems('problems with units', UNITS)
