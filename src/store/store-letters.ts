// The dead-letter port on the main thread.

import type { DeadLetterBox } from '#domain/dead-letter.ts'
import type { StoreThread } from './store-thread.ts'

export function createDeadLetterBox(thread: StoreThread): DeadLetterBox {
  return {
    add: (uplink, letters, max) => thread.call('addLetters', { uplink, letters, max }),
    list: (uplink, { after, limit }) => thread.call('listLetters', { uplink, after, limit }),
    get: (uplink, id) => thread.call('getLetter', { uplink, id }),
    remove: (uplink, ids) => thread.call('removeLetters', { uplink, ids }),
    count: (uplink) => thread.call('countLetters', { uplink }),
  }
}
