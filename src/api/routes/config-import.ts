// POST /config/import-sensors: a list of sensors from a spreadsheet, as YAML to be pasted, or what is wrong with it.

import { Type } from 'typebox'
import type { ApiContext, ApiServer } from '../context.ts'
import { TextProblemSchema } from '../shapes/config-shape.ts'
import { deskOf } from './config-request.ts'

const ImportedSchema = Type.Object({
  ok: Type.Boolean(),
  problems: Type.Array(TextProblemSchema),
  count: Type.Integer({ description: 'Sensors.' }),
  yaml: Type.String({ description: "Entries for the device's `sensors`; empty when there are problems." }),
})

export function registerSensorImport(app: ApiServer, context: ApiContext): void {
  app.post(
    '/api/v1/config/import-sensors',
    {
      config: { access: 'engineer', audit: false },
      schema: {
        tags: ['configuration'],
        summary: 'Turn a CSV list of sensors into YAML for a device; changes nothing',
        consumes: ['text/csv', 'text/plain', 'application/json'],
        querystring: Type.Object(
          {
            device: Type.String({
              minLength: 1,
              maxLength: 64,
              description: 'Device whose driver judges the columns.',
            }),
          },
          { additionalProperties: false },
        ),
        body: Type.Union([Type.String(), Type.Object({ csv: Type.String() }, { additionalProperties: false })]),
        response: { 200: ImportedSchema },
      },
    },
    async ({ query, body }) => {
      const csv = typeof body === 'string' ? body : body.csv
      const { problems, count, yaml } = deskOf(context).importSensors(query.device, csv)
      return { ok: problems.length === 0, problems: problems.map((problem) => ({ ...problem })), count, yaml }
    },
  )
}
