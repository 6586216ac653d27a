import { centralUplink } from '#uplinks/central/kind.ts'
import { describeUplink } from '../../contract/uplink-contract.ts'
import { HttpReceiver } from './receiver-peer.ts'

for (const own of [{}, { format: 'json', compression: 'none' }]) {
  describeUplink({
    kind: centralUplink,
    needs: own.format === undefined ? 'nothing' : 'nothing: JSON',
    isPresent: true,
    open: async () => {
      const peer = new HttpReceiver()
      await peer.start()
      return {
        config: { url: peer.url, ...own },
        ids: () => peer.lines().map(({ id }) => id),
        stop: () => peer.stop(),
        start: () => peer.start(),
        close: () => peer.close(),
      }
    },
  })
}
