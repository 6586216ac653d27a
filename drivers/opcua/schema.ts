// The YAML of an OPC UA device and of its sensors. Type, validation, JSON Schema and reference come from here.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, strictObject } from '#domain/schema.ts'

export const DEFAULT_TIMEOUT_MS = 5000
export const DEFAULT_PUBLISH_INTERVAL_MS = 250
/** 0: as fast as the server can, so that no change is missed. */
export const DEFAULT_SAMPLING_INTERVAL_MS = 0
export const DEFAULT_QUEUE_SIZE = 20

const SecuritySchema = strictObject(
  {
    policy: Type.Optional(
      Type.Union(
        [
          Type.Literal('None'),
          Type.Literal('Basic256Sha256'),
          Type.Literal('Aes128_Sha256_RsaOaep'),
          Type.Literal('Aes256_Sha256_RsaPss'),
          Type.Literal('Aes128'),
          Type.Literal('Aes256'),
        ],
        {
          default: 'None',
          description:
            'Security policy of the endpoint; Aes128 and Aes256 are short for Aes128_Sha256_RsaOaep and Aes256_Sha256_RsaPss.',
        },
      ),
    ),
    mode: Type.Optional(
      Type.Union([Type.Literal('None'), Type.Literal('Sign'), Type.Literal('SignAndEncrypt')], {
        description: 'Whether messages are signed and encrypted. Default: SignAndEncrypt with a policy, None without.',
      }),
    ),
    acceptExpired: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Accept a trusted server certificate outside of its validity, for plants without a reliable clock.',
      }),
    ),
  },
  { description: 'How the connection is secured. A policy other than None asks for a trusted server certificate.' },
)

const UserSchema = strictObject(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'User name; with password.' })),
    password: Type.Optional(
      Type.String({ maxLength: 1024, secret: true, description: 'Password of the user: "${OPCUA_PASSWORD}".' }),
    ),
    certificate: Type.Optional(
      Type.String({ minLength: 1, description: 'Absolute path of the user certificate (PEM or DER); with key.' }),
    ),
    key: Type.Optional(Type.String({ minLength: 1, description: 'Absolute path of its private key (PEM).' })),
  },
  { description: 'Who logs in: name and password, or certificate and key. Default: anonymous.' },
)

const ConnectionSchema = strictObject(
  {
    endpoint: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'Address of the server.',
      examples: ['opc.tcp://192.0.2.20:4840'],
    }),
    security: Type.Optional(SecuritySchema),
    user: Type.Optional(UserSchema),
    timeout: Type.Optional(
      durationSchema({ default: '5s', description: 'Longest wait for an answer and for each step of a connection.' }),
    ),
  },
  { description: 'Where the server is and how one logs in.' },
)

/** For a device with its defaults; for a sensor without: it then has what its device has. */
function samplingInterval(more: { default?: string }) {
  return Type.Optional(
    durationSchema({
      ...more,
      description: 'How often the server looks at a value; 0ms: as often as it can, so that each change is reported.',
    }),
  )
}

function queueSize(more: { default?: number }) {
  return Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      ...more,
      description: 'Values that the server keeps for one sensor between two publishes.',
    }),
  )
}

const serverDeadband = Type.Optional(
  Type.Number({
    exclusiveMinimum: 0,
    description: 'The server reports only changes greater than this, in the units of the node (before scaling).',
  }),
)

export const OpcuaDeviceSchema = strictObject({
  connection: ConnectionSchema,
  mode: Type.Optional(
    Type.Union([Type.Literal('subscribe'), Type.Literal('poll')], {
      default: 'subscribe',
      description: 'Whether the server reports changes, or is asked at the poll interval.',
    }),
  ),
  publishInterval: Type.Optional(
    durationSchema({ default: '250ms', description: 'How often the server sends the changes that it has collected.' }),
  ),
  samplingInterval: samplingInterval({ default: '0ms' }),
  queueSize: queueSize({ default: DEFAULT_QUEUE_SIZE }),
  serverDeadband,
})

export const OpcuaSensorSchema = strictObject({
  node: Type.String({
    minLength: 3,
    maxLength: 4096,
    description:
      'Node id: "ns=2;s=Line1.Speed", or by name of the namespace, which survives a change of its index: "nsu=http://example.org/line;s=Line1.Speed". Also i= (number), g= (GUID), b= (base64).',
    examples: ['ns=2;s=Line1.Speed'],
  }),
  type: Type.Optional(
    Type.Union(
      [
        Type.Literal('number'),
        Type.Literal('boolean'),
        Type.Literal('int64'),
        Type.Literal('uint64'),
        Type.Literal('string'),
      ],
      {
        default: 'number',
        description:
          'What the values are here: 64-bit integers are exact as int64 and uint64. Others are BadTypeMismatch.',
      },
    ),
  ),
  index: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Element of an array, counted from 0.' }),
  ),
  samplingInterval: samplingInterval({}),
  queueSize: queueSize({}),
  serverDeadband,
})

export type OpcuaDeviceConfig = StaticDecode<typeof OpcuaDeviceSchema>
export type OpcuaSensorConfig = StaticDecode<typeof OpcuaSensorSchema>
