// Entries of `devices:` to begin from, with what to change beside it. The gateway's own check reads each of them in a test.

export const EXAMPLES = [
  {
    key: 'modbus',
    text: 'Modbus TCP, with limits',
    yaml: `- id: press-1
  driver: modbus
  machine: Press 1
  connection: { host: 192.0.2.10, port: 502, unit: 1 } # the address of the PLC
  poll: 1s
  sensors:
    # 40101 in the manual is address 100: Modbus counts from 0.
    - id: oil-temperature
      register: holding
      address: 100
      type: int16
      scale: { factor: 0.1 }
      unit: degC
      checks:
        - { type: threshold, low: 10, high: 75, highHigh: 90, hysteresis: 2, onDelay: 3s }
    # Many PLCs swap the two words of a 32-bit value: order CDAB.
    - { id: pressure, register: holding, address: 102, type: float32, order: CDAB, unit: bar }
    - { id: running, register: coil, address: 0 }
`,
  },
  {
    key: 'opcua',
    text: 'OPC UA',
    yaml: `- id: line-plc
  driver: opcua
  machine: Line 1
  connection: { endpoint: "opc.tcp://192.0.2.20:4840" } # the address of the server
  sensors:
    - { id: speed, node: "ns=2;s=Line1.Speed", unit: m/min }
    - { id: running, node: "ns=2;s=Line1.Running", type: boolean }
`,
  },
  {
    key: 'scale',
    text: 'A scale on a serial port that is asked',
    yaml: `- id: scale-1
  driver: serial
  machine: Packing scale
  connection: { path: /dev/ttyUSB0, baudRate: 9600 } # better a name under /dev/serial/by-id
  framing: { delimiter: "\\r\\n", maxBytes: 64 }
  request: { send: "P\\r\\n", every: 1s, timeout: 500ms } # what makes it answer
  parse: { pattern: "^(?<stable>[SU]) +(?<weight>-?[0-9.]+) *(?<unit>kg|g)$" } # S    12.50 kg
  sensors:
    - { id: weight, field: weight, unit: kg }
    - { id: stable, field: stable, type: boolean, map: { S: true, U: false } }
`,
  },
  {
    key: 'mqtt',
    text: 'MQTT, JSON with a time of its own',
    yaml: `- id: vibration
  driver: mqtt
  machine: Press 1
  connection: { url: "mqtt://192.0.2.30:1883" } # the broker
  sensors:
    - { id: rms, topic: sensors/vib/press-1, value: $.v, time: $.ts, unit: mm/s }
`,
  },
  {
    key: 'http',
    text: 'A program that hands its readings in',
    yaml: `# With a token made under Users and tokens:
#   curl -X POST http://GATEWAY:8080/api/v1/ingest/apps -H 'authorization: Bearer TOKEN' \\
#     -H 'content-type: application/json' -d '{"readings":[{"sensor":"jobs","value":42}]}'
- id: apps
  driver: http
  machine: Packing
  sensors:
    - { id: jobs }
    - { id: total, type: uint64 }
`,
  },
] as const
