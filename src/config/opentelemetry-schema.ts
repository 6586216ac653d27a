// The section `opentelemetry`, which every role has: one definition, one wording.

import { Type } from 'typebox'
import { strictObject } from '#domain/schema.ts'

export const OpenTelemetrySchema = strictObject(
  {
    endpoint: Type.String({
      pattern: '^https?://[^\\s]+$',
      maxLength: 4096,
      description: 'Where traces go by OTLP over HTTP.',
      examples: ['http://collector.example:4318/v1/traces'],
    }),
  },
  { description: 'Traces. Left out: none, and nothing of OpenTelemetry is loaded.' },
)
