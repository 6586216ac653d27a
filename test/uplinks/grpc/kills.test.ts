import { join } from 'node:path'
import type { Lane } from '#domain/uplink.ts'
import { grpcUplink } from '#uplinks/grpc/kind.ts'
import { describeUplinkKills, type KillableReceiver, type KilledArrival } from '../../contract/uplink-kills.ts'
import { GrowingFile, ReceiveProcess } from './receive-process.ts'

/** `telemetryx receive`: what stands in its file has arrived, each record once. */
async function openReceiver(order: 'inOrder' | 'liveFirst'): Promise<KillableReceiver> {
  const receiver = new ReceiveProcess()
  await receiver.start()
  const file = new GrowingFile(join(receiver.folder, 'edge-01.jsonl'))
  const arrivals: KilledArrival[] = []
  return {
    port: receiver.port,
    arrivals() {
      for (const { id, kind, lane, v } of file.read().slice(arrivals.length)) {
        const [, epoch, seq] = id.split('/').map(Number)
        const known = order === 'inOrder' ? order : (lane as Lane)
        arrivals.push({
          epoch: epoch!,
          seq: seq!,
          lane: known,
          isEvent: kind === 'event',
          value: (v as number) ?? null,
        })
      }
      return arrivals
    },
    kill: () => receiver.kill(),
    start: () => receiver.start(),
    close: () => receiver.close(),
  }
}

describeUplinkKills({
  type: grpcUplink.type,
  needs: 'nothing',
  isPresent: true,
  module: new URL('../../../src/uplinks/grpc/kind.ts', import.meta.url).href,
  name: 'grpcUplink',
  open: openReceiver,
  config: (port) => ({ url: `127.0.0.1:${port}` }),
})
