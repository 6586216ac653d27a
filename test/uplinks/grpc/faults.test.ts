import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import { grpcUplink } from '#uplinks/grpc/kind.ts'
import { describeUplinkFaults, REJECTED_SEQ, type FaultyReceiver } from '../../contract/uplink-faults.ts'
import { hasOpenssl, makeCertificates } from '../mqtt/certificates.ts'
import { acknowledgement, ScriptedServer, WELCOME, type Answer, type Script } from './scripted-server.ts'

/** `misbehave` answers a batch until the receiver heals; it says which seqs are taken all the same; null: it did nothing. */
async function scripted(
  misbehave: (batch: ReceivedBatch, server: ScriptedServer) => number[] | null,
  { tls, welcome = WELCOME }: Pick<Script, 'tls'> & { readonly welcome?: Answer } = {},
): Promise<FaultyReceiver & { readonly url: string }> {
  const ids: string[] = []
  let isBad = true
  const server = new ScriptedServer({
    ...(tls === undefined ? {} : { tls }),
    onHello: () => (isBad ? welcome : WELCOME),
    onBatch: (batch) => {
      const seqs = isBad ? misbehave(batch, server) : null
      if (seqs === null) server.acknowledge(batch)
      ids.push(...(seqs ?? seqsOf(batch)).map((seq) => `edge-01/${batch.epoch}/${seq}`))
    },
  })
  await server.start()
  return {
    url: server.url,
    config: { url: server.url },
    heal: () => void (isBad = false),
    ids: () => ids,
    close: () => server.stop(),
  }
}

function seqsOf({ length, seq }: ReceivedBatch): number[] {
  return [...seq.subarray(0, length)]
}

/** Trusts the authority in `trusted.pem`, which is a stranger until it heals. */
async function stranger(): Promise<FaultyReceiver> {
  const files = makeCertificates()
  const tls = {
    cert: Buffer.from(files.text('broker.pem')),
    key: Buffer.from(files.text('broker.key')),
    clientCa: null,
  }
  const receiver = await scripted(() => null, { tls })
  const trusted = join(files.folder, 'trusted.pem')
  await writeFile(trusted, files.text('stranger.pem'))
  return {
    ...receiver,
    config: { url: receiver.url, tls: { ca: 'trusted.pem' } },
    configDir: files.folder,
    heal: () => writeFile(trusted, files.text('ca.pem')),
    close: async () => {
      await receiver.close()
      await rm(files.folder, { recursive: true })
    },
  }
}

describeUplinkFaults({
  kind: grpcUplink,
  needs: 'openssl',
  isPresent: hasOpenssl,
  faults: {
    nonsense: {
      reason: /acknowledges 1\/\d+, which is not under way/,
      open: () =>
        scripted(({ epoch, lastSeq }, server) => {
          server.send(acknowledgement(epoch, lastSeq + 1))
          return []
        }),
    },
    slow: {
      reason: null,
      // One after another, each a turn of the timer later.
      open: () => {
        let turn = Promise.resolve()
        return scripted((batch, server) => {
          turn = turn.then(() => new Promise((resolve) => setTimeout(resolve, 5))).then(() => server.acknowledge(batch))
          return seqsOf(batch)
        })
      },
    },
    rejectsOne: {
      reason: null,
      open: () =>
        scripted((batch, server) => {
          if (!batch.seq.includes(REJECTED_SEQ)) return null
          server.acknowledge(batch, [{ seq: REJECTED_SEQ, reason: 'No such machine' }])
          return seqsOf(batch).filter((seq) => seq !== REJECTED_SEQ)
        }),
    },
    closesMidStream: {
      reason: /closed the stream/,
      open: () =>
        scripted((_batch, server) => {
          server.end(null)
          return []
        }),
    },
    wrongCertificate: { reason: /certificate of .* is not trusted: its authority/, open: stranger },
    asksTooMuch: {
      reason: /asks for messages of at most 100 bytes; 65536 are the least/,
      open: () => scripted(() => null, { welcome: { case: 'welcome', value: { maxMessageBytes: 100 } } }),
    },
  },
})
