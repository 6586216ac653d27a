import { grpcUplink } from '#uplinks/grpc/kind.ts'
import { describeUplink } from '../../contract/uplink-contract.ts'
import { ReceiverPeer } from './receiver-peer.ts'

describeUplink({
  kind: grpcUplink,
  needs: 'nothing',
  isPresent: true,
  open: async () => {
    const peer = new ReceiverPeer()
    await peer.start()
    return {
      config: { url: peer.url },
      ids: () => peer.ids(),
      stop: () => peer.stop(),
      start: () => peer.start(),
      close: () => peer.close(),
    }
  },
})
