import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import {
  BatchSchema,
  HelloSchema,
  IngestRequestSchema,
  SyncRequestSchema,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { MAX_DICTIONARY, readIngestRequest } from '#rpc/ingest-request.ts'
import { readSyncRequest } from '#rpc/ingest-service.ts'

const SENSOR = { number: 0, id: 'press-1.pressure', valueType: 1 }
const BATCH = { epoch: 7, lastSeq: 3n, blocks: [{ firstSeq: 3n, sensors: [0], numbers: [1.5] }] }
const MANY = Array.from({ length: MAX_DICTIONARY + 1 }, () => ({}))

const sync = (message: MessageInitShape<typeof SyncRequestSchema>['message']) =>
  toBinary(SyncRequestSchema, create(SyncRequestSchema, { message }))
const batch = sync({ case: 'batch', value: BATCH })
const hello = sync({ case: 'hello', value: { gateway: 'mill', dictionary: { sensors: [SENSOR] } } })

function rowsOf(bytes: Uint8Array): number {
  const message = readSyncRequest(bytes)
  if (message.case !== 'batch') throw new Error(`It is ${message.case}`)
  return decodeBatch(message.value, () => 'number').length
}

describe('A message of a gateway’s stream', () => {
  it('is of the kind that stands in it, of several of the last', () => {
    expect(rowsOf(batch)).toBe(1)
    expect(rowsOf(Buffer.concat([hello, batch]))).toBe(1)
    expect(readSyncRequest(Buffer.concat([batch, hello]))).toMatchObject({ case: 'hello', value: { gateway: 'mill' } })
    const dictionary = sync({ case: 'dictionary', value: { sensors: [SENSOR] } })
    expect(readSyncRequest(dictionary)).toMatchObject({ case: 'dictionary', value: { sensors: [SENSOR] } })
    const result = sync({ case: 'commandResult', value: { id: 'c1', errorCode: 'TIMEOUT' } })
    expect(readSyncRequest(result)).toMatchObject({ case: 'commandResult', value: { id: 'c1', errorCode: 'TIMEOUT' } })
    expect(readSyncRequest(new Uint8Array(0))).toEqual({ case: undefined })
  })

  it('is one in parts, and may have fields of later versions beside it', () => {
    const rest = sync({ case: 'batch', value: { blocks: [{ firstSeq: 4n, sensors: [0], numbers: [2] }], lastSeq: 4n } })
    const unknown = Uint8Array.from([0x7a, 1, 0, 0x80, 1, 5]) // field 15 of one byte; field 16, a number
    expect(rowsOf(Buffer.concat([unknown, batch, unknown, rest, unknown]))).toBe(2)
  })

  it.each([
    ['a dictionary', sync({ case: 'dictionary', value: { sensors: MANY } }), 'fields'],
    ['the dictionary of a hello', sync({ case: 'hello', value: { dictionary: { sensors: MANY } } }), 'sensors'],
    ['a hello', sync({ case: 'hello', value: { statuses: MANY } }), 'fields'],
    ['a result', sync({ case: 'commandResult', value: { readings: MANY } }), 'fields'],
  ])('is refused for what %s has too much of, before that becomes objects', (_what, bytes, what) => {
    expect(() => readSyncRequest(bytes)).toThrow(`more than ${MAX_DICTIONARY} ${what}`)
  })

  it('is counted over all parts of a hello', () => {
    const half = { dictionary: { sensors: MANY.slice(0, MAX_DICTIONARY / 2 + 1) } }
    const part = toBinary(HelloSchema, create(HelloSchema, half))
    const length = Uint8Array.from([0x0a, ...varint(part.length * 2)])
    expect(() => readSyncRequest(Buffer.concat([length, part, part]))).toThrow(`more than ${MAX_DICTIONARY} sensors`)
  })
})

describe('A request with one batch', () => {
  it('keeps the batch in its bytes, and says who sends', () => {
    const request = { gateway: 'mill', factory: 'Plant', dictionary: { sensors: [SENSOR] }, batch: BATCH }
    const read = readIngestRequest(toBinary(IngestRequestSchema, create(IngestRequestSchema, request)))
    expect(read).toMatchObject({ gateway: 'mill', factory: 'Plant' })
    expect(read.sensors.get(0)).toMatchObject({ id: 'press-1.pressure', valueType: 'number' })
    expect(Buffer.from(read.batch!).equals(toBinary(BatchSchema, create(BatchSchema, BATCH)))).toBe(true)
    expect(readIngestRequest(new Uint8Array(0)).batch).toBeNull()
  })

  it.each([
    ['a name that is no text', [0x0a, 1, 0xff]],
    ['a sensor that is none', [0x1a, 3, 0x0a, 1, 0xff]],
    ['a field of another kind', [0x20, 1]],
    ['a length beyond its end', [0x22, 5, 1]],
  ])('is refused with PROTOCOL for %s', (_what, bytes) => {
    expect(() => readIngestRequest(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'PROTOCOL' }))
  })
})

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...varint(Math.floor(value / 128))]
}
