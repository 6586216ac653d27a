// Values that make no sense, broken YAML and references: what is said about each mistake, and where.

import { describeProblems, check, device, sensor, gatewayWith, withSensors, type Case } from './parse.ts'

const SENSE: readonly Case[] = [
  [
    'a negative deadband',
    sensor('deadband: { absolute: -1 }'),
    ['7:52: devices[0].sensors[0].deadband.absolute: expected a number of at least 0, found the number -1'],
  ],
  [
    'a factor of 0',
    sensor('scale: { factor: 0 }'),
    ['7:47: devices[0].sensors[0].scale.factor: must not be 0, or every reading would be the same, found 0'],
  ],
  [
    'low above high',
    check('{ type: threshold, low: 90, high: 75 }'),
    ['7:74: devices[0].sensors[0].checks[0].high: must be greater than low (90), found 75'],
  ],
  [
    'high equal to highHigh',
    check('{ type: threshold, high: 75, highHigh: 75 }'),
    ['7:79: devices[0].sensors[0].checks[0].highHigh: must be greater than high (75), found 75'],
  ],
  [
    'lowLow above low',
    check('{ type: threshold, lowLow: 5, low: 1 }'),
    ['7:75: devices[0].sensors[0].checks[0].low: must be greater than lowLow (5), found 1'],
  ],
  [
    'a band narrower than the hysteresis of one level',
    check('{ type: threshold, low: 1, high: 5, hysteresis: 1, highHysteresis: 4 }'),
    [
      '7:107: devices[0].sensors[0].checks[0].highHysteresis: must be smaller than the distance from low to high, or no alarm would ever clear, found 4',
    ],
  ],
  [
    'a band narrower than its hysteresis',
    check('{ type: threshold, low: 1, high: 5, hysteresis: 4 }'),
    [
      '7:88: devices[0].sensors[0].checks[0].hysteresis: must be smaller than the distance from low to high, or no alarm would ever clear, found 4',
    ],
  ],
  [
    'a threshold without a limit',
    check('{ type: threshold, hysteresis: 1 }'),
    ['7:40: devices[0].sensors[0].checks[0]: a threshold needs at least one of lowLow, low, high, highHigh'],
  ],
  [
    'a check of a text',
    sensor('type: text, checks: [ { type: threshold, high: 1 } ], deadband: { absolute: 1 }'),
    [
      '7:50: devices[0].sensors[0].checks: a text cannot be checked',
      '7:94: devices[0].sensors[0].deadband: a text has no deadband',
    ],
  ],
  [
    'a scale of a truth value',
    sensor('type: bool, scale: { factor: 2 }'),
    ['7:49: devices[0].sensors[0].scale: a value that is true or false cannot be scaled'],
  ],
  [
    'no login on an open address',
    gatewayWith('http: { host: 0.0.0.0, auth: none }'),
    [
      '2:30: http.auth: none is only possible while http.host is a loopback address, for example 127.0.0.1: anyone on the network could come in',
    ],
  ],
  [
    'a buffer smaller than two readings of each sensor',
    `${withSensors(...Array.from({ length: 600 }, (_, n) => `{ id: x${n}, address: ${n} }`))}buffer: { capacity: 1024 }`,
    ['607:21: buffer.capacity: must be at least twice the number of sensors, which is 600, found 1024'],
  ],
  [
    'limits of writes that contradict each other',
    withSensors('{ id: a, address: 1, writable: true, writeLimits: { min: 5, max: 4, validFor: 20s } }'),
    [
      '7:74: devices[0].sensors[0].writeLimits.max: must not be less than min (5), found 4',
      '7:87: devices[0].sensors[0].writeLimits.validFor: must be from 100ms to 15s, found 20s',
    ],
  ],
  [
    'limits of writes where nothing can be written, or has none',
    withSensors(
      '{ id: a, address: 1, writeLimits: { perMinute: 5 } }',
      '{ id: b, address: 2, type: text, writable: true, writeLimits: { min: 1 } }',
    ),
    [
      '7:43: devices[0].sensors[0].writeLimits: has no effect: the sensor is not writable (writable: true)',
      '8:78: devices[0].sensors[1].writeLimits.min: only a number has limits',
    ],
  ],
  [
    "the driver's own problem",
    withSensors('{ id: a, address: 1 }', '{ id: b, address: 666 }'),
    ['8:27: devices[0].sensors[1].address: this address is taken'],
  ],
  [
    "the driver's own problem beside another",
    withSensors('{ id: a, adres: 1 }', '{ id: b, address: 666 }'),
    [
      '7:18: devices[0].sensors[0].adres: unknown key; did you mean "address"?',
      '8:27: devices[0].sensors[1].address: this address is taken',
    ],
  ],
]

const SYNTAX: readonly Case[] = [
  ['a tab', 'gateway:\n\tid: a', ['2:1: a tab indents this line; YAML takes spaces only']],
  [
    'a wrong indent',
    'gateway:\n  id: a\n factory: f',
    [
      '3:1: this line is not indented like its neighbours; keys of one map and entries of one list start at the same column',
    ],
  ],
  ['an open quote', 'gateway: { id: "a', ['1:18: a text in double quotes is not closed: " is missing']],
  [
    'a value with a colon',
    'gateway: a: b',
    ['1:10: a ":" after a value; put the value in quotes if the ":" belongs to it, or begin a new line'],
  ],
  [
    'a reference among braces',
    gatewayWith('http: { port: ${PORT} }'),
    ['2:16: put ${NAME} in quotes when it stands between { } or [ ]: "${NAME}"'],
  ],
  ['two documents', 'a: 1\n---\nb: 2', ['2:1: a second document ("---"); a configuration is one document']],
  [
    'a tag',
    gatewayWith('data: !secret x'),
    [
      '2:7: a tag (a word that begins with "!") that has no meaning here; put the value in quotes if it is meant as text',
    ],
  ],
  ['an empty file', '', ['1:1: the file is empty; it needs at least "gateway: { id: edge-01, factory: plant-a }"']],
  [
    'a file of comments',
    '# nothing\n',
    ['1:1: the file is empty; it needs at least "gateway: { id: edge-01, factory: plant-a }"'],
  ],
  [
    'an alias without anchor',
    gatewayWith('http: &web { port: 80 }\nbuffer: *wbe'),
    ['3:9: buffer: the alias *wbe has no anchor &wbe before it; did you mean *web?'],
  ],
  ['an alias within itself', gatewayWith('http: &a { port: *a }'), ['2:18: http.port: the alias *a contains itself']],
]

const REFERENCES: readonly Case[] = [
  [
    'a missing variable',
    gatewayWith('data: ${DATA_DRI}/x'),
    ['2:7: data: the environment variable DATA_DRI is not set; did you mean DATA_DIR?'],
    { DATA_DIR: '/d' },
  ],
  [
    'a reference that is none',
    gatewayWith('data: ${DATA:-/x}'),
    [
      '2:7: data: "${DATA:-/x}" is no reference; write ${NAME}, ${file:/path}, ${secret:NAME}, or $${ for the characters themselves',
    ],
  ],
  [
    'an open reference',
    gatewayWith('data: ${DATA'),
    ['2:7: data: a "${" without "}"; write $${ where the characters themselves are meant'],
  ],
  [
    'a missing file',
    gatewayWith('data: ${file:/nowhere/at/all}'),
    ['2:7: data: the file /nowhere/at/all of ${file:/nowhere/at/all} cannot be read: there is no such file'],
  ],
  [
    'a folder for a file',
    gatewayWith('data: ${file:/tmp}'),
    ['2:7: data: the file /tmp of ${file:/tmp} is no regular file'],
  ],
  [
    'a value that does not fit',
    gatewayWith('http: { port: "${PORT}" }'),
    ['2:15: http.port: the value of ${PORT} does not fit; expected a whole number from 0 to 65535'],
    { PORT: 'geheim' },
  ],
  [
    'a value that breaks a rule',
    gatewayWith('store: { maxSize: "${SIZE}" }'),
    ['2:19: store.maxSize: must be at least 16MiB; the value of ${SIZE} does not fit'],
    { SIZE: '7MiB' },
  ],
  [
    'a driver from a variable',
    device('{ id: a, driver: "${DRIVER}" }'),
    ['3:22: devices[0].driver: the value of ${DRIVER} is none of bench'],
    { DRIVER: 'geheim' },
  ],
  [
    "a driver's message with the value in it",
    device('{ id: a, driver: bench, connection: { transport: tcp, host: "${HOST}" } }'),
    ['3:65: devices[0].connection.host: nobody connects to ${HOST}'],
    { HOST: 'cursed-geheim' },
  ],
]

describeProblems('problems with sense', SENSE)
describeProblems('problems with syntax', SYNTAX)
describeProblems('problems with references', REFERENCES)
