// POST /ingest/{device}: readings and events of programs. 202 once the journal has all of them durably; else nothing was taken.

import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { withDeadline } from '#kit/deadline.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { parseBody } from '../ingest-body.ts'
import { RequestError } from '../problem.ts'

/** Below the limit of the server for any answer. */
const DURABLE_TIMEOUT_MS = 25_000
const MAX_KEYS = 1000
const MAX_ERRORS = 100

const AcceptedSchema = Type.Object({
  accepted: Type.Object({ readings: Type.Integer(), events: Type.Integer() }),
})
const ReadingSchema = Type.Object({
  sensor: Type.String({ description: 'The sensor’s field: by default its id without the device’s.' }),
  value: Type.Unsafe<unknown>({ type: ['number', 'boolean', 'string', 'null'] }),
  time: Type.Optional(
    Type.Unsafe<unknown>({ type: ['string', 'number'], description: 'ISO 8601, or Unix milliseconds.' }),
  ),
})
const EventSchema = Type.Object({
  severity: Type.Optional(Type.Enum(['debug', 'info', 'warning', 'error'], { default: 'info' })),
  message: Type.String(),
  type: Type.Optional(Type.String({ description: 'Stable word for programs.', default: 'application' })),
  time: Type.Optional(Type.Unsafe<unknown>({ type: ['string', 'number'] })),
  data: Type.Optional(Type.Object({}, { additionalProperties: true })),
})
/** For the document; the body is judged by parseBody, which can tell each thing that is wrong. */
const BodySchema = Type.Unsafe<unknown>({
  description: 'An object, an array of readings and events, or NDJSON (application/x-ndjson) with one of them a line.',
  anyOf: [
    Type.Object({ readings: Type.Optional(Type.Array(ReadingSchema)), events: Type.Optional(Type.Array(EventSchema)) }),
    Type.Array(Type.Unsafe<unknown>({ anyOf: [ReadingSchema, EventSchema] })),
  ],
})

type Answer = { accepted: { readings: number; events: number } }

/** Requests that carried an Idempotency-Key lately. */
class RecentKeys {
  readonly #answers = new Map<string, { checksum: string; answer: Promise<Answer> }>()

  /** The answer of the first request with this key; a failed one leaves no trace. Throws CONFLICT for another body. */
  once(key: string, body: unknown, work: () => Promise<Answer>): Promise<Answer> {
    const checksum = createHash('sha256')
      .update(typeof body === 'string' ? body : JSON.stringify(body ?? null))
      .digest('base64')
    const known = this.#answers.get(key)
    if (known) {
      if (known.checksum === checksum) return known.answer
      throw new TelemetryError('CONFLICT', 'The Idempotency-Key was used for another body')
    }
    const answer = work()
    this.#answers.set(key, { checksum, answer })
    answer.catch(() => {
      if (this.#answers.get(key)?.answer === answer) this.#answers.delete(key)
    })
    if (this.#answers.size > MAX_KEYS) {
      for (const oldest of this.#answers.keys()) {
        this.#answers.delete(oldest)
        break
      }
    }
    return answer
  }
}

export function registerIngest(app: ApiServer, context: ApiContext): void {
  const keys = new RecentKeys()
  void app.register((scope: ApiServer, _options, done) => {
    // Only here: no other route takes NDJSON.
    scope.addContentTypeParser<string>('application/x-ndjson', { parseAs: 'string' }, (_request, text, parsed) =>
      parsed(null, text),
    )
    registerRoute(scope, context, keys)
    done()
  })
}

function registerRoute(app: ApiServer, { options }: ApiContext, keys: RecentKeys): void {
  app.post(
    '/api/v1/ingest/:device',
    {
      config: { access: 'operator', audit: false },
      // The body is judged by parseBody.
      validatorCompiler: () => () => true,
      schema: {
        tags: ['values'],
        summary: 'Hand in readings and events; all or none',
        params: Type.Object({ device: Type.String({ minLength: 1, maxLength: 128, description: 'Device id.' }) }),
        body: BodySchema,
        response: { 202: AcceptedSchema },
      },
    },
    async (request, reply) => {
      const { device } = request.params
      const key = request.headers['idempotency-key']
      if (key !== undefined && (typeof key !== 'string' || key.length > 128 || key === ''))
        throw new RequestError('INVALID_REQUEST', 'The Idempotency-Key has 1 to 128 characters')
      const work = (): Promise<Answer> => take(options, device, request.body)
      const answer = key === undefined ? work() : keys.once(`${device} ${key}`, request.body, work)
      const deadline = { clock: options.clock, timeoutMs: DURABLE_TIMEOUT_MS, what: 'Storing' }
      try {
        const accepted = await withDeadline(deadline, () => answer)
        return await reply.code(202).send(accepted)
      } catch (error) {
        throw asRequestError(error)
      }
    },
  )
}

async function take(options: ApiContext['options'], device: string, body: unknown): Promise<Answer> {
  const { ingest, clock } = options
  if (!ingest) throw new TelemetryError('NOT_FOUND', `There is no device "${device}" that takes readings by HTTP`)
  await ingest.whenOpen(device)
  const { batch, places, errors } = parseBody(body, clock.now())
  const problems = ingest.check(device, batch).map(({ reading, message }) => ({ path: places[reading]!, message }))
  const all = [...errors, ...problems].slice(0, MAX_ERRORS)
  if (all.length > 0) {
    const detail = `Nothing was taken: ${all.map(({ path, message }) => `${path} ${message}`).join('; ')}`
    throw new RequestError('INVALID_REQUEST', detail, { errors: all })
  }
  if (batch.readings.length + batch.events.length > 0) await ingest.submit(device, batch)
  return { accepted: { readings: batch.readings.length, events: batch.events.length } }
}

function asRequestError(error: unknown): unknown {
  if (isTelemetryError(error, 'BUFFER_FULL'))
    return new RequestError('TOO_MANY_REQUESTS', error.message, { headers: { 'retry-after': '1' } })
  if (isTelemetryError(error, 'TIMEOUT')) {
    const message =
      'The store did not answer in time: it may have all of it or nothing; ask again with the same Idempotency-Key'
    return new RequestError('UNAVAILABLE', message, { headers: { 'retry-after': '5' } })
  }
  return error
}
