// central, protobuf and zstd, at a server in another process that expands, decodes and acknowledges; the bare client is node:http
// with a body of 500 readings that is ready, one request after the other on one connection.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import { modelOf } from '#test/uplinks/model-journal.ts'
import { Bodies, packBody } from '#uplinks/central/bodies.ts'
import { centralUplink } from '#uplinks/central/kind.ts'
import { SENSOR_IDS, SENSORS, type Contender } from './contender.ts'

const BATCH = 500

export const contender: Contender = {
  type: 'central',
  missing: null,
  async open() {
    const script = fileURLToPath(new URL('../../test/uplinks/central/counting-server.ts', import.meta.url))
    const server = fork(script, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    const [port] = (await once(server.stdout!.setEncoding('utf8'), 'data')) as [string]
    return {
      kind: centralUplink,
      config: { url: `http://127.0.0.1:${port.trim()}` },
      bare: (seconds) => postBare(Number(port), seconds),
      close: async () => {
        server.disconnect()
        await once(server, 'exit')
      },
    }
  },
}

async function postBare(port: number, seconds: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { body, headers } = await readyBody()
  const options = { agent, host: '127.0.0.1', port, method: 'POST', path: '/api/v1/ingest' }
  const post = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ ...options, headers: { ...headers, 'Content-Length': body.length } }, (answer) => {
        answer.resume().on('end', resolve)
      })
      outgoing.on('error', reject).end(body)
    })
  const end = performance.now() + seconds * 1000
  let acknowledged = 0
  for (; performance.now() < end; acknowledged += BATCH) await post()
  agent.destroy()
  return acknowledged
}

function readyBody(): ReturnType<typeof packBody> {
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
  const options = { model: modelOf(SENSOR_IDS), maxBytes: 4 * 1024 * 1024, isWhole: true }
  const { bodies } = new Bodies('bare', 'Plant A').of(delivery, options)
  return packBody(bodies[0]!.bytes, { format: 'protobuf', isCompressed: true })
}
