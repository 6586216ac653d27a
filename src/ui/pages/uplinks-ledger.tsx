// The account of every record of an uplink, as a sum that can be checked: what was accepted is where?

import type { JSX } from 'preact'
import type { Uplink } from '../client/wire.ts'
import { formatCount, formatNumber } from '../format/number.ts'
import { nameFromId } from '../format/words.ts'
import { Icon } from '../parts/icon.tsx'
import { Meter } from '../parts/meter.tsx'

interface Line {
  readonly name: string
  readonly count: number
}

/** Every place where a record can be; their sum is what was accepted. Pure. */
export function ledgerLines(uplink: Uplink): readonly Line[] {
  const dropped = Object.entries(uplink.dropped).filter(([, count]) => count > 0)
  return [
    { name: 'Delivered', count: uplink.delivered },
    { name: 'Waiting', count: uplink.pending },
    { name: 'Not wanted by this uplink', count: uplink.filtered },
    { name: 'Rejected by the receiver', count: uplink.rejected },
    ...(dropped.length === 0
      ? [{ name: 'Dropped', count: 0 }]
      : dropped.map(([reason, count]) => ({ name: `Dropped: ${nameFromId(reason).toLowerCase()}`, count }))),
  ]
}

export function Ledger({ uplink }: { readonly uplink: Uplink }): JSX.Element {
  const lines = ledgerLines(uplink)
  const sum = lines.reduce((total, { count }) => total + count, 0)
  const isBalanced = sum === uplink.accepted
  return (
    <table class="ledger">
      <caption class="sr-only">Ledger of {uplink.id}</caption>
      <tbody>
        {lines.map(({ name, count }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="ledger-share">
              <Meter value={uplink.accepted === 0 ? 0 : count / uplink.accepted} />
            </td>
            <td>{formatCount(count)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Sum</th>
          <td />
          <td>{formatCount(sum)}</td>
        </tr>
        <tr>
          <th scope="row">Accepted from the gateway</th>
          <td class="ledger-verdict">
            <Icon name={isBalanced ? 'check' : 'bad'} />
            {isBalanced ? 'balanced' : `differs by ${formatNumber(sum - uplink.accepted, 0)}`}
          </td>
          <td>
            <strong>{formatCount(uplink.accepted)}</strong>
          </td>
        </tr>
      </tfoot>
    </table>
  )
}
