// Drivers, branches and names: what is said about each mistake, and where.

import { describeProblems, check, device, uplink, gatewayWith, withSensors, type Case } from './parse.ts'

const CHOICES: readonly Case[] = [
  [
    'an unknown driver',
    device('{ id: a, driver: bensh }'),
    ['3:22: devices[0].driver: there is no driver "bensh"; known: bench; did you mean bench?'],
  ],
  [
    'an unknown driver, and a mistake beside it',
    device('{ id: a, driver: opcua, poll: fast, endpoint: x }'),
    [
      '3:22: devices[0].driver: there is no driver "opcua"; known: bench',
      '3:35: devices[0].poll: expected a duration such as 500ms, 1s or 5m, found the text "fast"',
    ],
  ],
  ['no driver', device('{ id: a }'), ['3:5: devices[0]: missing required key "driver"; expected "driver: bench"']],
  [
    'a misspelt driver key',
    device('{ id: a, drivr: bench }'),
    ['3:14: devices[0].drivr: unknown key; did you mean "driver"?'],
  ],
  [
    'a driver that is a number',
    device('{ id: a, driver: 5 }'),
    ['3:22: devices[0].driver: expected text, found the number 5; put it in quotes if it is meant as text: "5"'],
  ],
  [
    'an unknown type of uplink',
    uplink('{ id: a, type: wired }'),
    ['3:20: uplinks[0].type: there is no type "wired"; known: wire; did you mean wire?'],
  ],
  [
    'only the problems of the chosen branch',
    device('{ id: a, driver: bench, connection: { transport: rtu, host: h } }'),
    ['3:41: devices[0].connection: missing required key "path"', '3:59: devices[0].connection.host: unknown key'],
  ],
  [
    'no choice',
    device('{ id: a, driver: bench, connection: { host: h } }'),
    ['3:41: devices[0].connection: missing required key "transport"; expected one of tcp, rtu'],
  ],
  [
    'a choice that is none',
    device('{ id: a, driver: bench, connection: { transport: tpc, host: 5 } }'),
    ['3:54: devices[0].connection.transport: expected one of tcp, rtu, found the text "tpc"; did you mean tcp?'],
  ],
  [
    'a pattern, in words',
    device('{ id: a, driver: bench, connection: { transport: rtu, path: COM1 } }'),
    ['3:65: devices[0].connection.path: expected text such as "/dev/ttyUSB0", found the text "COM1"'],
  ],
  [
    'a misspelt type of check',
    check('{ type: treshold, high: 1 }'),
    [
      '7:48: devices[0].sensors[0].checks[0].type: expected one of threshold, rate, flatline, stale, zscore, ewma, anomaly, expression, found the text "treshold"; did you mean threshold?',
    ],
  ],
  [
    'a key of another check',
    check('{ type: zscore, high: 1 }'),
    ['7:56: devices[0].sensors[0].checks[0].high: unknown key'],
  ],
  [
    'an order of replay that does not exist yet',
    uplink('{ id: a, type: wire, url: "wire://h", replay: { order: newest } }'),
    ['3:60: uplinks[0].replay.order: expected one of inOrder, liveFirst, found the text "newest"'],
  ],
]

const NAMES: readonly Case[] = [
  [
    'two devices of one id',
    gatewayWith(
      'devices:\n  - { id: a, driver: bench, connection: { transport: tcp, host: h } }\n  - { id: a, driver: bench, connection: { transport: tcp, host: h } }',
    ),
    ['4:11: devices[1].id: another device is named "a" too; it is first at line 3'],
  ],
  [
    'two sensors of one id',
    withSensors('{ id: x, address: 1 }', '{ id: x, address: 2 }'),
    ['8:15: devices[0].sensors[1].id: another sensor is named "x" too; it is first at line 7'],
  ],
  [
    'two uplinks of one id',
    gatewayWith('uplinks:\n  - { id: a, type: wire, url: "wire://h" }\n  - { id: a, type: wire, url: "wire://h" }'),
    ['4:11: uplinks[1].id: another uplink is named "a" too; it is first at line 3'],
  ],
  [
    'two names of one machine',
    gatewayWith(
      'devices:\n  - { id: a, driver: bench, machine: Press 1, connection: { transport: tcp, host: h } }\n  - { id: b, driver: bench, machine: press  1, connection: { transport: tcp, host: h } }',
    ),
    [
      '4:38: devices[1].machine: this name and the one at line 3 give the same machine id; write both alike, or make them differ in a letter or digit',
    ],
  ],
  [
    'a machine whose name gives no id',
    device('{ id: a, driver: bench, machine: "***", connection: { transport: tcp, host: h } }'),
    ['3:38: devices[0].machine: must hold a letter from a to z or a digit, for its id'],
  ],
  [
    'a factory whose name gives no id',
    'gateway: { id: a, factory: "***" }',
    ['1:28: gateway.factory: must hold a letter from a to z or a digit, for its id, found ***'],
  ],
  [
    'two checks of one name',
    check('{ type: threshold, high: 1 }, { type: threshold, low: 0 }'),
    [
      '7:78: devices[0].sensors[0].checks[1].type: the check checks[0] is named "threshold" too, after its type; give one of them an id',
    ],
  ],
  [
    'a pattern that matches nothing',
    gatewayWith(
      'devices: []\nuplinks:\n  - { id: a, type: wire, url: "wire://h", include: [ press-1 ], exclude: [ "*.x" ] }',
    ),
    [
      '4:54: uplinks[0].include[0]: "press-1" matches no sensor; patterns are full ids, for example press-1.*',
      '4:76: uplinks[0].exclude[0]: "*.x" matches no sensor; patterns are full ids, for example press-1.*',
    ],
  ],
]

describeProblems('problems with choices', CHOICES)
describeProblems('problems with names', NAMES)
