// A receiver in a process of its own that decodes each batch and acknowledges it, and keeps nothing: for measuring the sender.
// Prints its port. node counting-receiver.ts

import { create } from '@bufbuild/protobuf'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import { KnownSensors } from '#rpc/dictionary.ts'
import { SyncResponseSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { ingestDefinition, type IncomingSync } from '#rpc/ingest-service.ts'
import { RpcServer } from '#rpc/server.ts'
import type { SyncStream } from '#receiver/sync-call.ts'

const server = new RpcServer({ tls: null })
server.grpc.addService(ingestDefinition, {
  ingest: () => {},
  sync: (stream: SyncStream) => {
    const sensors = new KnownSensors()
    stream.on('data', (message: IncomingSync) => {
      if (message.case === 'hello') {
        sensors.learn(message.value.dictionary)
        stream.write(create(SyncResponseSchema, { message: { case: 'welcome', value: { receiver: 'counting' } } }))
      } else if (message.case === 'dictionary') sensors.learn(message.value)
      else if (message.case === 'batch') {
        const { epoch, lastSeq } = decodeBatch(message.value, sensors.typeOf)
        const position = { epoch, seq: BigInt(lastSeq) }
        stream.write(create(SyncResponseSchema, { message: { case: 'acknowledgement', value: { position } } }))
      }
    })
    stream.on('end', () => stream.end())
    stream.on('error', () => {})
  },
})
const port = await server.listen('127.0.0.1', 0)
process.stdout.write(`${port}\n`)
process.on('disconnect', () => process.exit(0))
