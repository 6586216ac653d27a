// The keys of brain.yaml: one definition for validation, types, JSON Schema and reference.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, idSchema, section, sizeSchema, strictObject } from '#domain/schema.ts'
import { countSchema, hostSchema, portSchema, ServerTlsSchema, textSchema } from './service-keys.ts'
import { OpenTelemetrySchema } from './opentelemetry-schema.ts'

const TokenSchema = strictObject({
  name: idSchema({ description: 'Names the token in logs and metrics.' }),
  token: Type.String({
    minLength: 16,
    maxLength: 4096,
    secret: true,
    description: 'The token itself, at least 16 characters: "${NAME}" or "${file:/path}".',
  }),
  tenant: idSchema({ default: 'default', description: 'Whose records and rules it sees.' }),
  role: Type.Union([Type.Literal('gateway'), Type.Literal('viewer'), Type.Literal('engineer'), Type.Literal('admin')], {
    description:
      '`gateway` hands in records; `viewer` reads, evaluates and analyses; `engineer` also changes rules and models; `admin` may do everything.',
  }),
  gateways: Type.Array(idSchema({ description: 'Id of a gateway.' }), {
    default: [],
    description: 'Gateways that it may speak for; empty: any of the tenant.',
  }),
})

const SmtpSchema = strictObject(
  {
    host: textSchema('Mail server.'),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 587, description: 'TCP port.' }),
    tls: Type.Union([Type.Literal('starttls'), Type.Literal('implicit'), Type.Literal('none')], {
      default: 'starttls',
      description: '`starttls` insists on STARTTLS, `implicit` encrypts from the start (port 465), `none` never.',
    }),
    user: Type.Optional(textSchema('User name.')),
    password: Type.Optional(Type.String({ minLength: 1, secret: true, description: 'Password.' })),
    from: textSchema('Sender of the mails, for example "TelemetryX <alerts@plant.example>".'),
  },
  { description: 'Server through which mails are sent. Left out: actions of kind email are refused.' },
)

const MqttSchema = strictObject(
  {
    url: Type.String({
      pattern: '^(?:mqtt|mqtts)://[^\\s]+$',
      maxLength: 1024,
      secret: true,
      description: 'Broker: mqtt://host:1883 or mqtts://host:8883.',
    }),
    user: Type.Optional(textSchema('User name.')),
    password: Type.Optional(Type.String({ minLength: 1, secret: true, description: 'Password.' })),
  },
  { description: 'Broker to which actions publish. Left out: actions of kind mqtt are refused.' },
)

const WebhooksSchema = section(
  {
    allowPrivate: Type.Boolean({
      default: false,
      description: 'Also addresses of this machine and of private and link-local networks.',
    }),
    timeout: durationSchema({
      default: '10s',
      description: 'How long an answer may take, when the action says nothing.',
    }),
  },
  { description: 'Actions of kind webhook.' },
)

const ActionsSchema = section(
  {
    attempts: countSchema(12, 1000, 'Tries before an action is given up.'),
    firstRetry: durationSchema({ default: '2s', description: 'Pause after the first failure; it doubles.' }),
    maxRetry: durationSchema({ default: '15m', description: 'Longest pause between two tries.' }),
  },
  { description: 'How actions are carried out.' },
)

const LimitsSchema = section(
  {
    maxMessage: sizeSchema({ default: '4MiB', description: 'Largest message of a client; 64KiB to 64MiB.' }),
    maxRecords: countSchema(10_000, 1_000_000, 'Records, or points of series, in one call.'),
    maxRules: countSchema(10_000, 1_000_000, 'Rules of one tenant.'),
    maxWindowKeys: countSchema(
      10_000,
      10_000_000,
      'Keys that one window keeps apart; the ones unused longest are forgotten.',
    ),
    maxWindowValues: countSchema(4_000_000, 1_000_000_000, 'Values that all windows hold together; 16 bytes each.'),
    maxPendingActions: countSchema(100_000, 10_000_000, 'Actions that wait; further ones are given up and counted.'),
    callTimeout: durationSchema({ default: '30s', description: 'Deadline of calls that bring none.' }),
  },
  { description: 'What one client, rule or call may take up.' },
)

const AnalyticsSchema = section(
  {
    maxReadings: countSchema(
      20_000_000,
      10_000_000_000,
      'Readings that analytics keep for each tenant, to train on and to analyse; the oldest go first.',
    ),
    maxAge: durationSchema({ default: '90d', description: 'Older ones are deleted.' }),
    threads: countSchema(1, 64, 'Threads for detection, analysis and training that take long.'),
  },
  { description: 'Detection, analysis and models.' },
)

const ReportSchema = strictObject({
  name: idSchema({ description: 'Begins the name of the file.' }),
  tenant: idSchema({ default: 'default', description: 'Whose readings it is about.' }),
  title: Type.String({
    minLength: 1,
    maxLength: 200,
    default: 'Report',
    description: 'Head line, subject of the mail.',
  }),
  sensors: Type.Array(Type.String({ minLength: 1, maxLength: 256, description: 'Pattern on full sensor ids.' }), {
    minItems: 1,
    description: 'What it is about; `*` stands for any characters, `?` for one.',
  }),
  every: durationSchema({
    default: '1d',
    description: 'What it covers, and how often it is written: at each whole multiple since 1970, UTC. 1m to 366d.',
  }),
  mailTo: Type.Array(Type.String({ minLength: 3, maxLength: 320, description: 'Address.' }), {
    default: [],
    description: 'Who gets it by mail as well; needs `smtp`.',
  }),
})

export const BrainFileSchema = strictObject(
  {
    version: Type.Literal(1, { default: 1, description: 'Version of this format.' }),
    listen: section(
      { host: hostSchema('Address to listen on; another than loopback needs tokens.'), port: portSchema(50_051) },
      { description: 'Where gRPC is served.' },
    ),
    tls: Type.Optional(ServerTlsSchema),
    http: section(
      { host: hostSchema('Address to listen on.'), port: portSchema(9464) },
      { description: 'Where /metrics, /healthz and /readyz are served, without encryption and without tokens.' },
    ),
    data: Type.String({ minLength: 1, default: './brain', description: 'Folder of files, relative to this file.' }),
    tokens: Type.Array(TokenSchema, {
      default: [],
      description: 'Who may call. Without any, everyone who reaches the address: only this machine can.',
    }),
    databaseUrl: Type.Optional(
      Type.String({
        pattern: '^postgres(?:ql)?://[^\\s]+$',
        secret: true,
        description:
          'PostgreSQL: postgresql://user:password@host/database. Left out: an embedded one in the data folder.',
      }),
    ),
    redisUrl: Type.Optional(
      Type.String({
        pattern: '^rediss?://[^\\s]+$',
        secret: true,
        description: 'Redis, which keeps windows over a restart: redis://host:6379. Left out: memory alone.',
      }),
    ),
    limits: LimitsSchema,
    actions: ActionsSchema,
    webhooks: WebhooksSchema,
    analytics: AnalyticsSchema,
    reports: Type.Array(ReportSchema, {
      default: [],
      description: 'Reports that are written by themselves, to reports/TENANT in the data folder.',
    }),
    smtp: Type.Optional(SmtpSchema),
    mqtt: Type.Optional(MqttSchema),
    opentelemetry: Type.Optional(OpenTelemetrySchema),
  },
  { description: 'The brain: rules and analysis over gRPC.' },
)

export type BrainFile = StaticDecode<typeof BrainFileSchema>
