// The keys of a connection to an MQTT broker, the same for devices that read from one and uplinks that publish to one.

import { Type } from 'typebox'
import { durationSchema, strictObject } from '#domain/schema.ts'

/** `ca`: what is said of that file, which is found in other ways by devices and by uplinks. */
export function tlsSchema(ca: string) {
  return strictObject(
    {
      ca: Type.Optional(Type.String({ description: ca })),
      cert: Type.Optional(Type.String({ description: 'File with the client certificate (PEM), for mutual TLS.' })),
      key: Type.Optional(Type.String({ description: 'File with the key of the client certificate (PEM).' })),
      rejectUnauthorized: Type.Optional(
        Type.Boolean({
          default: true,
          description: 'false accepts any certificate: only for a first try in a laboratory.',
        }),
      ),
    },
    { description: 'For mqtts and wss.' },
  )
}

/** Of uplinks. */
export const TlsSchema = tlsSchema(
  "File with the certificates to trust (PEM), from the configuration's folder. Default: those of the system.",
)

/** The address of a broker. */
export function mqttUrlSchema({ description, example }: { description: string; example: string }) {
  return Type.String({
    pattern: '^(?:mqtts?|wss?)://[^\\s]+$',
    description,
    examples: [example],
    secret: true, // it may carry credentials, which must not be repeated in a message about a misspelt one
  })
}

/** Who the client is. */
export const mqttLoginKeys = {
  username: Type.Optional(Type.String({ description: 'User name at the broker.' })),
  password: Type.Optional(
    Type.String({ secret: true, description: 'Password at the broker, for example "${MQTT_PASSWORD}".' }),
  ),
}

/** How it speaks. */
export const mqttProtocolKeys = {
  protocol: Type.Optional(
    Type.Union([Type.Literal('3.1.1'), Type.Literal(5)], {
      default: '3.1.1',
      description: 'Version of MQTT: 3.1.1 or 5.',
    }),
  ),
  keepalive: Type.Optional(
    durationSchema({ default: '30s', description: 'Longest silence on the line; 0: no limit.' }),
  ),
}
