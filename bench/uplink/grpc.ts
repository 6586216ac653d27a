// grpc, at a receiver in another process that decodes and acknowledges; the bare client is grpc-js with a batch of 500 readings
// that is ready in bytes, four of them under way.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { create } from '@bufbuild/protobuf'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import { BatchEncoder, type EncodedMessage } from '#rpc/batch-encoder.ts'
import { RpcClient, rpcAddress } from '#rpc/client.ts'
import { wireDictionaries } from '#rpc/dictionary.ts'
import { SyncRequestSchema, type SyncResponse } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { syncMethod } from '#rpc/ingest-service.ts'
import { modelOf } from '#test/uplinks/model-journal.ts'
import { grpcUplink } from '#uplinks/grpc/kind.ts'
import { SENSOR_IDS, SENSORS, WINDOW, type Contender } from './contender.ts'

const BATCH = 500

export const contender: Contender = {
  type: 'grpc',
  missing: null,
  async open() {
    const script = fileURLToPath(new URL('../../test/uplinks/grpc/counting-receiver.ts', import.meta.url))
    const receiver = fork(script, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    const [port] = (await once(receiver.stdout!.setEncoding('utf8'), 'data')) as [string]
    const url = `127.0.0.1:${port.trim()}`
    return {
      kind: grpcUplink,
      config: { url },
      bare: (seconds) => sendBare(url, seconds),
      close: async () => {
        receiver.disconnect()
        await once(receiver, 'exit')
      },
    }
  },
}

async function sendBare(url: string, seconds: number): Promise<number> {
  const address = rpcAddress(url, false)
  const client = new RpcClient({ address, tls: null, token: null, keepaliveMs: 0, keepaliveTimeoutMs: 0 })
  const stream = client.openStream(syncMethod)
  const dictionaries = wireDictionaries(modelOf(SENSOR_IDS))
  const hello = { gateway: 'bare', epoch: 1, dictionary: dictionaries[0]! }
  stream.write(create(SyncRequestSchema, { message: { case: 'hello', value: hello } }))
  for (const value of dictionaries.slice(1))
    stream.write(create(SyncRequestSchema, { message: { case: 'dictionary', value } }))
  const message = readyBatch()
  const end = performance.now() + seconds * 1000
  let sent = 0
  let acknowledged = 0
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject) // and nothing, once it is over
    const send = (): void => {
      sent += BATCH
      stream.write(message)
    }
    stream.on('data', (response: SyncResponse) => {
      if (response.message.case === 'welcome') for (let n = 0; n < WINDOW / BATCH; n++) send()
      if (response.message.case !== 'acknowledgement') return
      acknowledged += BATCH
      if (performance.now() < end) send()
      else if (acknowledged === sent) resolve()
    })
  })
  stream.end()
  client.close()
  return acknowledged
}

function readyBatch(): EncodedMessage {
  const batch = new MutableRecordBatch(1, 100_001, BATCH)
  const now = Date.now()
  for (let row = 0; row < BATCH; row++) {
    batch.sensor[row] = row % SENSORS
    batch.sourceTime[row] = Number.NaN
    batch.receivedAt[row] = now
    batch.value[row] = row / 10
  }
  batch.length = BATCH
  const rows = Uint32Array.from({ length: BATCH }, (_, row) => row)
  const delivery = { lane: 'inOrder', historical: false, batch, rows, rowCount: BATCH } as const
  const options = { model: modelOf(SENSOR_IDS), maxBytes: 4 * 1024 * 1024, coverage: null }
  return new BatchEncoder().encode(delivery, options).messages[0]!
}
