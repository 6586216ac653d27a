// Where the data go: for each uplink its state and its ledger. accepted = delivered + waiting + filtered + dropped + rejected.

import type { JSX } from 'preact'
import type { Uplink, UplinkState } from '../client/wire.ts'
import { formatCount } from '../format/number.ts'
import { formatDuration } from '../format/time.ts'
import { nameFromId, UPLINK_WORDS } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import type { IconName } from '../parts/icon.tsx'
import { Badge } from '../parts/marks.tsx'
import { Facts, type Fact } from '../parts/table.tsx'
import { useServices } from '../state/services.ts'

const ICONS: Readonly<Record<UplinkState, IconName>> = {
  online: 'check',
  connecting: 'waiting',
  waiting: 'waiting',
  retrying: 'plugOff',
  stopped: 'cross',
}

export function UplinksPage(): JSX.Element {
  const { plant } = useServices()
  const uplinks = plant.uplinks.value
  return (
    <Page
      title="Uplinks"
      lead={
        <p>While a receiver is away, readings wait on disk and then follow in order. Each one is accounted for here.</p>
      }
    >
      {uplinks.length === 0 ? (
        <EmptyState title="No uplinks are configured" icon="uplinks">
          <p>Values stay on this gateway. Add an uplink to gateway.yaml to send them to a broker or a server.</p>
        </EmptyState>
      ) : (
        <div class="columns">
          {uplinks.map((uplink) => (
            <UplinkCard key={uplink.id} uplink={uplink} />
          ))}
        </div>
      )}
    </Page>
  )
}

function UplinkCard({ uplink }: { readonly uplink: Uplink }): JSX.Element {
  const isDown = uplink.state === 'retrying' || uplink.state === 'stopped'
  return (
    <Card
      title={uplink.id}
      aside={
        <Badge tone={uplink.state === 'online' ? 'normal' : isDown ? 'data' : 'quiet'} icon={ICONS[uplink.state]}>
          {UPLINK_WORDS[uplink.state]}
        </Badge>
      }
    >
      {uplink.reason !== null && (
        <Notice icon="plugOff" tone={isDown ? 'data' : 'quiet'}>
          {uplink.reason}
        </Notice>
      )}
      <Ledger uplink={uplink} />
      <Facts
        facts={[
          { term: 'Type', value: uplink.type },
          {
            term: 'Oldest waiting',
            value: uplink.pending === 0 ? 'nothing waits' : formatDuration(uplink.oldestPendingAge * 1000),
          },
          { term: 'Cursor (start/record)', value: uplink.cursor },
        ]}
      />
    </Card>
  )
}

/** The account of every record, so that it can be seen to add up. */
function Ledger({ uplink }: { readonly uplink: Uplink }): JSX.Element {
  const dropped = Object.entries(uplink.dropped).filter(([, count]) => count > 0)
  const facts: Fact[] = [
    { term: 'Accepted', value: <strong>{formatCount(uplink.accepted)}</strong> },
    { term: 'Delivered', value: formatCount(uplink.delivered) },
    { term: 'Waiting', value: formatCount(uplink.pending) },
    { term: 'Not wanted by this uplink', value: formatCount(uplink.filtered) },
    { term: 'Rejected by the receiver', value: formatCount(uplink.rejected) },
    ...dropped.map(([reason, count]) => ({
      term: `Dropped: ${nameFromId(reason).toLowerCase()}`,
      value: formatCount(count),
    })),
  ]
  if (dropped.length === 0) facts.push({ term: 'Dropped', value: '0' })
  return (
    <div class="ledger">
      <Facts facts={facts} />
    </div>
  )
}
