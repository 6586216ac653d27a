// The keys of central.yaml: one definition for validation, types, JSON Schema and reference.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, idSchema, section, sizeSchema, strictObject } from '#domain/schema.ts'
import { certificateKeys, countSchema, hostSchema, portSchema, ServerTlsSchema, textSchema } from './service-keys.ts'
import { CentralBrainSchema } from './central-brain.ts'
import { OpenTelemetrySchema } from './opentelemetry-schema.ts'

const LimitsSchema = section(
  {
    maxBody: sizeSchema({
      default: '8MiB',
      description: 'Largest body of an ingest request, before and after it is expanded. At most 64MiB.',
    }),
    addressPerMinute: countSchema(
      12_000,
      10_000_000,
      'Requests of one address in a minute, counted before anybody is asked who they are.',
    ),
    tenantPerMinute: countSchema(60_000, 10_000_000, 'Requests of one tenant in a minute, over all routes.'),
    routePerMinute: countSchema(
      12_000,
      10_000_000,
      'Requests of one tenant to one route in a minute; for ingest tenantPerMinute alone counts.',
    ),
    queries: countSchema(
      16,
      1000,
      'Queries of the database at once, over all tenants; as many connections, and four for ingest.',
    ),
    tenantQueries: countSchema(8, 1000, 'Queries of one tenant at once; further ones wait their turn.'),
    tenantQueue: Type.Integer({
      minimum: 0,
      maximum: 10_000,
      default: 64,
      description: 'Queries of one tenant that may wait; further ones are refused (503).',
    }),
    tenantLiveClients: countSchema(256, 10_000, 'Open WebSocket connections of one tenant.'),
  },
  { description: 'What one tenant may take, so that it slows no other.' },
)

export const CentralFileSchema = strictObject(
  {
    version: Type.Literal(1, { default: 1, description: 'Version of this format.' }),
    data: Type.String({
      minLength: 1,
      default: './central-data',
      description: 'Folder of the embedded database and of what belongs to this process, relative to this file.',
    }),
    http: section(
      {
        host: hostSchema('Address of API and live feed; `0.0.0.0` for every interface.'),
        port: portSchema(8090),
        publicUrl: Type.Optional(
          Type.String({
            pattern: '^https?://[^/?#]+$',
            description: 'Where people reach it, when that is another address, such as that of a proxy.',
            examples: ['https://central.example'],
          }),
        ),
        trustProxy: Type.Boolean({
          default: false,
          description: 'A proxy stands before it, whose X-Forwarded-For and X-Forwarded-Proto are believed.',
        }),
        tls: Type.Optional(
          strictObject(certificateKeys, {
            description: 'Encrypts: https instead of http. Renewed files are taken over within a minute.',
          }),
        ),
        limits: LimitsSchema,
      },
      { description: 'API and live feed.' },
    ),
    grpc: Type.Optional(
      strictObject(
        { host: hostSchema('Address to listen on.'), port: portSchema(50_052), tls: Type.Optional(ServerTlsSchema) },
        { description: 'gRPC IngestService for gateways. Left out: there is none.' },
      ),
    ),
    line: Type.Optional(
      strictObject(
        { host: hostSchema('Address to listen on.'), port: portSchema(8094), tls: Type.Optional(ServerTlsSchema) },
        { description: 'Lines of text over TCP, for programs that are no gateway. Left out: there is none.' },
      ),
    ),
    databaseUrl: Type.Optional(
      Type.String({
        minLength: 1,
        pattern: '^postgres(ql)?://',
        secret: true,
        description:
          'PostgreSQL, for example "${DATABASE_URL}". Left out: an embedded database, for trying out: it does not survive a power cut.',
        examples: ['postgresql://central:${DB_PASSWORD}@db.example/telemetryx'],
      }),
    ),
    redisUrl: Type.Optional(
      Type.String({
        pattern: '^rediss?://',
        secret: true,
        description: 'Redis or Valkey: latest values, counters of rate limits and sessions of several processes.',
        examples: ['redis://redis.example:6379'],
      }),
    ),
    nats: Type.Optional(
      strictObject(
        {
          urls: Type.Array(Type.String({ pattern: '^(nats|tls)://' }), {
            minItems: 1,
            maxItems: 32,
            description: 'Servers of one NATS cluster with JetStream: nats://HOST:PORT, or tls://HOST:PORT.',
            examples: [['nats://nats.example:4222']],
          }),
          credentials: Type.Optional(
            textSchema('Credentials file (.creds) of the NATS account, relative to this file.'),
          ),
          replicas: countSchema(1, 5, 'How many NATS servers keep each message.'),
          partitions: countSchema(
            8,
            256,
            'Parts of the stream, each consumed in order; not changed while it holds messages.',
          ),
          maxBytes: sizeSchema({
            default: '4GiB',
            description: 'Most that waits in the stream; beyond it ingest answers 503.',
          }),
          takeOver: durationSchema({
            default: '5s',
            description:
              'How long a part of the stream stands still when the process dies that was at it, before another goes on; 1s to 5m.',
          }),
        },
        { description: 'Ingest through a NATS JetStream stream that any number of processes consume.' },
      ),
    ),
    oidc: Type.Optional(
      strictObject(
        {
          issuer: Type.String({
            pattern: '^https?://',
            maxLength: 1000,
            description: 'Issuer of the tokens of people, as it stands in their `iss`; https, or http on this machine.',
            examples: ['https://login.example/realms/plants'],
          }),
          audience: Type.String({ minLength: 1, maxLength: 300, description: 'What must stand in their `aud`.' }),
          tenantClaim: Type.String({
            minLength: 1,
            maxLength: 100,
            default: 'tenant',
            description: 'Claim with the id of the tenant; `a.b` reaches into objects.',
          }),
          roleClaim: Type.String({
            minLength: 1,
            maxLength: 100,
            default: 'role',
            description: 'Claim with the role, or a list of them: viewer, operator, engineer, admin, platform-admin.',
          }),
          clockSkew: durationSchema({ default: '30s', description: 'How far clocks may be apart. At most 5m.' }),
        },
        { description: 'Log-in of people by an OpenID Connect provider. Left out: only users kept here.' },
      ),
    ),
    retention: section(
      {
        raw: durationSchema({ description: 'How long every reading is kept.', default: '90d' }),
        minute: durationSchema({ description: 'How long the one-minute figures are kept.', default: '2y' }),
        hour: durationSchema({ description: 'How long the one-hour figures are kept.', default: '20y' }),
      },
      { description: 'How long the history is kept, by fidelity.' },
    ),
    brain: Type.Optional(CentralBrainSchema),
    opentelemetry: Type.Optional(OpenTelemetrySchema),
    tenants: Type.Array(
      strictObject({
        id: idSchema({ description: 'Names the tenant in addresses and tokens.' }),
        name: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'For people. Default: the id.' })),
      }),
      {
        default: [],
        maxItems: 1000,
        description: 'Tenants that are made at the start when they are missing; never removed.',
      },
    ),
  },
  { description: 'Configuration of TelemetryX central.' },
)

/** As it is written, decoded: durations in milliseconds, sizes in bytes. */
export type CentralFile = StaticDecode<typeof CentralFileSchema>
