// The kinds of drivers and uplinks that a configuration may name. Filled by the composition root.

import type { Driver } from '#domain/driver.ts'
import type { UplinkKind } from '#domain/uplink.ts'

export interface Catalogue {
  /** By the word after `driver:`. */
  readonly drivers: ReadonlyMap<string, Driver>
  /** By the word after `type:` of an uplink. */
  readonly uplinks: ReadonlyMap<string, UplinkKind>
}
