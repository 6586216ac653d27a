// The deadband of a sensor, whether it is read or worked out.

import { Type } from 'typebox'
import { durationSchema, strictObject } from '#domain/schema.ts'

export const DeadbandSchema = strictObject(
  {
    absolute: Type.Number({
      minimum: 0,
      description: 'A reading is kept when it differs by at least this from the last kept one.',
    }),
    maxInterval: Type.Optional(
      durationSchema({ description: 'A reading is kept after this time in any case. Default: no limit.' }),
    ),
  },
  { description: 'Leaves out readings that change too little to matter.' },
)
