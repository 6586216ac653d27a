// The keys of gateway.yaml that every gateway has: one definition for validation, types, JSON Schema and reference.
// A device's and an uplink's own keys come from its driver or kind; what no room serves yet is an unknown key.

import { Type, type TObject } from 'typebox'
import { CheckSpecSchema } from '#domain/check.ts'
import { DeadbandSchema } from './deadband-schema.ts'
import { DerivedSchema } from './derived-schema.ts'
import { HttpLimitsSchema } from './http-limits.ts'
import { OpenTelemetrySchema } from './opentelemetry-schema.ts'
import { durationSchema, idSchema, section, sizeSchema, strictObject } from '#domain/schema.ts'
import { DEFAULT_WRITE_LIMITS } from '#domain/sensor.ts'

export const DEFAULT_DATA = './data'

export const DEFAULT_CAPACITY = 262_144
export const DEFAULT_HOST = '127.0.0.1'

export const BufferSchema = section(
  {
    capacity: Type.Integer({
      minimum: 1024,
      maximum: 67_108_864,
      default: DEFAULT_CAPACITY,
      description: 'Records that the ring between pipeline and store holds; at least twice the number of sensors.',
    }),
    whenFull: Type.Union([Type.Literal('block'), Type.Literal('dropOldest')], {
      default: 'block',
      description: '`block` pauses polling, `dropOldest` gives up the oldest readings; both are counted and reported.',
    }),
  },
  { description: 'The ring buffer in memory.' },
)

export const RetentionSchema = section(
  {
    raw: durationSchema({ description: 'How long every reading is kept.', default: '30d' }),
    minute: durationSchema({ description: 'How long the one-minute figures are kept.', default: '1y' }),
    hour: durationSchema({ description: 'How long the one-hour figures are kept.', default: '10y' }),
  },
  { description: 'How long the history is kept, by fidelity.' },
)

export const StoreSchema = section(
  {
    flushInterval: durationSchema({
      description: 'Longest time between two writes to disk: what a power cut can cost. 10ms to 1m.',
      default: '1s',
    }),
    sync: Type.Union([Type.Literal('normal'), Type.Literal('full')], {
      default: 'normal',
      description: '`full` syncs the disk at every write: nothing is lost in a power cut, at the price of wear.',
    }),
    retention: RetentionSchema,
    maxSize: sizeSchema({ description: 'Disk budget of the data folder; at least 16MiB.', default: '8GiB' }),
  },
  { description: 'The database on disk.' },
)

export const HttpSchema = section(
  {
    host: Type.String({
      minLength: 1,
      default: DEFAULT_HOST,
      description: 'Address to listen on; `0.0.0.0` for every interface.',
    }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: 'TCP port; 0 takes any free one.' }),
    auth: Type.Union([Type.Literal('required'), Type.Literal('none')], {
      default: 'required',
      description: '`none` lets anyone in who reaches the address, and is refused unless the host is loopback.',
    }),
    tls: Type.Optional(
      strictObject(
        {
          cert: Type.Optional(
            Type.String({
              minLength: 1,
              description: 'File with the certificate and those between it and its root (PEM), relative to this file.',
            }),
          ),
          key: Type.Optional(
            Type.String({ minLength: 1, description: 'File with its unencrypted key (PEM), relative to this file.' }),
          ),
          selfSigned: Type.Boolean({
            default: false,
            description: 'The gateway makes a certificate for itself and renews it; browsers warn of it once.',
          }),
        },
        {
          description:
            'Encrypts: https instead of http. Renewed files are taken over within a minute, without a restart.',
        },
      ),
    ),
    limits: HttpLimitsSchema,
  },
  { description: 'Dashboard and API.' },
)

export const AlarmsSchema = section(
  {
    operators: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'Operators on duty at a time, who share the alarms in their measures. Default: as many as acted.',
      }),
    ),
  },
  { description: 'The alarms as a whole.' },
)

const BrokerUserSchema = strictObject({
  name: Type.String({ minLength: 1, maxLength: 256, description: 'User name.' }),
  password: Type.String({ minLength: 1, secret: true, description: 'Password, for example "${SENSOR_PASSWORD}".' }),
  publish: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
    default: [],
    description: 'Topics that the user may publish to, with + and # as wildcards.',
  }),
  subscribe: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
    default: [],
    description: 'Topics that the user may subscribe to, with + and # as wildcards.',
  }),
})

export const BrokerSchema = strictObject(
  {
    host: Type.String({
      minLength: 1,
      default: DEFAULT_HOST,
      description: 'Address to listen on; another than loopback needs users.',
    }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 1883, description: 'TCP port; 0 takes any free one.' }),
    users: Type.Array(BrokerUserSchema, {
      default: [],
      description: 'Who may come in. Without any, everyone who reaches the address: only this machine can.',
    }),
    tls: Type.Optional(
      strictObject(
        {
          cert: Type.String({ minLength: 1, description: 'File with the certificate (PEM), relative to this file.' }),
          key: Type.String({ minLength: 1, description: 'File with its key (PEM), relative to this file.' }),
        },
        { description: 'Encrypts; clients then connect by mqtts.' },
      ),
    ),
    maxConnections: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 200,
      description: 'Clients at once; further ones are refused.',
    }),
    maxPayload: sizeSchema({
      default: '1MiB',
      description: 'Longest message; a client that sends a longer one is disconnected. At most 16MiB.',
    }),
  },
  {
    description:
      'Embedded MQTT broker (3.1.1) for devices without a url; it keeps no sessions. Left out: there is none.',
  },
)

export const ConfigurationSchema = section(
  {
    watch: durationSchema({
      description:
        'How long the gateway is watched after a change; when it is worse then, the change is taken back. 5s to 1h; 0: not at all.',
      default: '1m',
    }),
    revisions: Type.Integer({
      minimum: 2,
      maximum: 1000,
      default: 100,
      description: 'How many applied configurations are kept, to compare with and to go back to.',
    }),
  },
  { description: 'Changes of this configuration while the gateway runs.' },
)

/** The file as a whole; the entries of `devices` and `uplinks` are judged by their own schemas. */
export const GatewayFileSchema = strictObject(
  {
    version: Type.Literal(1, { default: 1, description: 'Version of this format.' }),
    gateway: strictObject(
      {
        id: idSchema({ description: 'Names this gateway in topics, logs and upstream; unique in your company.' }),
        factory: Type.String({
          minLength: 1,
          maxLength: 100,
          description: 'Display name of the factory; its id is derived from it.',
        }),
      },
      { description: 'Who this gateway is.' },
    ),
    data: Type.String({
      minLength: 1,
      default: DEFAULT_DATA,
      description: 'Folder of the database, relative to this file.',
    }),
    buffer: BufferSchema,
    store: StoreSchema,
    http: HttpSchema,
    alarms: AlarmsSchema,
    broker: Type.Optional(BrokerSchema),
    drivers: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
      default: [],
      description:
        'npm packages with further drivers; see docs/writing-a-driver.md. They run with all rights of the gateway.',
    }),
    configuration: ConfigurationSchema,
    opentelemetry: Type.Optional(OpenTelemetrySchema),
    devices: Type.Array(Type.Unknown(), { default: [], description: 'What is read.' }),
    derived: Type.Array(DerivedSchema, { default: [], description: 'What is worked out of it.' }),
    uplinks: Type.Array(Type.Unknown(), { default: [], description: 'Where readings and alarms are forwarded to.' }),
  },
  { description: 'Configuration of a TelemetryX gateway.' },
)

/** Keys that every device has, whatever its driver. */
export const DeviceCommonSchema = strictObject({
  id: idSchema({ description: 'Names the device; the first half of the ids of its sensors.' }),
  driver: Type.String({ description: 'How the device is reached.' }),
  machine: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'Display name of the machine that the device belongs to. Default: the id.',
    }),
  ),
  poll: durationSchema({ description: 'How often each sensor is read, 10ms to 1d.', default: '1s' }),
  sensors: Type.Array(Type.Unknown(), { default: [], description: 'The sensors; see below.' }),
  sensorsFile: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'CSV file with more sensors, the keys as columns (`scale.factor` for nested ones), relative to this file.',
    }),
  ),
})

export const ScaleSchema = strictObject(
  {
    factor: Type.Number({ default: 1, description: 'Not 0.' }),
    offset: Type.Number({ default: 0, description: 'Added after the factor.' }),
  },
  { description: 'Engineering value = raw value × factor + offset.' },
)

export const WriteLimitsSchema = strictObject(
  {
    min: Type.Optional(Type.Number({ description: "Lowest value, in the sensor's unit. Default: the device's own." })),
    max: Type.Optional(Type.Number({ description: "Highest value, in the sensor's unit. Default: the device's own." })),
    perMinute: Type.Number({
      minimum: 0.1,
      maximum: 6000,
      default: DEFAULT_WRITE_LIMITS.perMinute,
      description: 'Writes a minute on average; a tenth of it may come at once. Further ones are refused (429).',
    }),
    validFor: durationSchema({
      default: '5s',
      description: 'A command that has waited longer than this for its turn is not sent any more. 100ms to 15s.',
    }),
  },
  { description: 'What may be written, and how often; for a sensor that is `writable`.' },
)

/** Keys that every sensor has, whatever its device's driver. */
export const SensorCommonSchema = strictObject({
  id: idSchema({ description: 'Names the sensor within its device; its full id is `device.sensor`.' }),
  description: Type.String({ maxLength: 500, default: '', description: 'For people.' }),
  unit: Type.String({
    maxLength: 32,
    default: '',
    description: 'Engineering unit, for example `degC`.',
    examples: ['degC'],
  }),
  writable: Type.Boolean({ default: false, description: 'Whether operators may write to it.' }),
  writeLimits: Type.Optional(WriteLimitsSchema),
  poll: Type.Optional(durationSchema({ description: "How often it is read, 10ms to 1d. Default: the device's." })),
  scale: Type.Optional(ScaleSchema),
  deadband: Type.Optional(DeadbandSchema),
  checks: Type.Array(CheckSpecSchema, { default: [], description: 'What raises an alarm.' }),
})

/** A strict object of the common keys and of a driver's or kind's own ones, with `key` narrowed to the word that chooses it. */
export function chosenBy(common: TObject, key: string, word: string, own: TObject): TObject {
  return strictObject({ ...common.properties, [key]: Type.Literal(word), ...own.properties })
}

/** As chosenBy, where nothing needs choosing: a sensor belongs to its device's driver. */
export function joined(common: TObject, own: TObject): TObject {
  return strictObject({ ...common.properties, ...own.properties })
}
