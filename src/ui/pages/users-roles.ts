// What each role may, in words.

import type { Role } from '../client/wire.ts'

export const ROLE_OPTIONS: readonly { readonly key: Role; readonly text: string }[] = [
  { key: 'viewer', text: 'Viewer: looks' },
  { key: 'operator', text: 'Operator: also acts on alarms and writes values' },
  { key: 'engineer', text: 'Engineer: also changes the configuration' },
  { key: 'admin', text: 'Administrator: also manages users and tokens' },
]
