import { join } from 'node:path'
import type { Lane } from '#domain/uplink.ts'
import { centralUplink } from '#uplinks/central/kind.ts'
import { describeUplinkKills, type KillableReceiver, type KilledArrival } from '../../contract/uplink-kills.ts'
import { GrowingFile, ReceiveProcess } from '../grpc/receive-process.ts'

/** `telemetryx receive` over HTTP: what stands in its file has arrived, each record once. */
async function openReceiver(order: 'inOrder' | 'liveFirst'): Promise<KillableReceiver> {
  const receiver = new ReceiveProcess()
  await receiver.start()
  const file = new GrowingFile(join(receiver.folder, 'edge-01.jsonl'))
  const arrivals: KilledArrival[] = []
  return {
    port: receiver.httpPort,
    arrivals() {
      for (const { id, kind, lane, v } of file.read().slice(arrivals.length)) {
        const [, epoch, seq] = id.split('/').map(Number)
        const known = order === 'inOrder' ? order : (lane as Lane)
        const isEvent = kind === 'event'
        arrivals.push({ epoch: epoch!, seq: seq!, lane: known, isEvent, value: (v as number) ?? null })
      }
      return arrivals
    },
    kill: () => receiver.kill(),
    start: () => receiver.start(),
    close: () => receiver.close(),
  }
}

describeUplinkKills({
  type: centralUplink.type,
  needs: 'nothing',
  isPresent: true,
  module: new URL('../../../src/uplinks/central/kind.ts', import.meta.url).href,
  name: 'centralUplink',
  open: openReceiver,
  config: (port) => ({ url: `http://127.0.0.1:${port}` }),
})
