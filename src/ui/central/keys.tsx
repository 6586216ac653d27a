// Keys of gateways and programs: made for a gateway and shown once, listed, revoked. For administrators.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { formatAge, formatFull, formatMoment } from '../format/time.ts'
import { useWork } from '../pages/use-work.ts'
import { Button } from '../parts/button.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { KeyDialog } from './key-dialog.tsx'
import { useFrame } from '../state/frame.ts'
import { useCentral } from './services.ts'
import { LostNotice, Page, useMay, WordsBadge } from './shell.tsx'
import { usePoll } from './use-poll.ts'
import type { GatewayKey } from './wire.ts'
import { keyWords } from './words.ts'

export function KeysPage(): JSX.Element {
  return (
    <Page title="Keys" lead={<p>A gateway comes with a key of its own: it can hand in records and nothing else.</p>}>
      {useMay('admin') ? (
        <Keys />
      ) : (
        <EmptyState title="Keys are for administrators" icon="user">
          <p>Sign in as an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function Keys(): JSX.Element {
  const { api } = useCentral()
  const { value, error, refresh } = usePoll(() => api.keys(), 'keys')
  const [open, setOpen] = useState<'make' | GatewayKey | null>(null)
  const close = (): void => {
    setOpen(null)
    refresh()
  }
  return (
    <>
      <LostNotice error={error} isStale={value !== null} />
      <Card
        title="Keys of gateways and programs"
        aside={
          <Button icon="add" onClick={() => setOpen('make')}>
            Make a key
          </Button>
        }
      >
        {value?.length === 0 && <p class="quiet">There are none: no gateway can come here.</p>}
        {value !== null && value.length > 0 && <KeyTable keys={value} onRevoke={setOpen} />}
      </Card>
      {open === 'make' && <KeyDialog onClose={close} />}
      {open !== null && open !== 'make' && <RevokeDialog of={open} onClose={close} />}
    </>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'name', head: 'Name' },
  { key: 'may', head: 'May' },
  { key: 'state', head: 'State' },
  { key: 'used', head: 'Last used' },
  { key: 'ends', head: 'Ends' },
  { key: 'do', head: 'Do', align: 'end', isNarrow: true },
]

interface KeyTableProps {
  readonly keys: readonly GatewayKey[]
  readonly onRevoke: (key: GatewayKey) => void
}

function KeyTable({ keys, onRevoke }: KeyTableProps): JSX.Element {
  const now = useFrame().now.value
  const newestFirst = keys.toSorted((a, b) => b.createdAt - a.createdAt)
  return (
    <Table caption="Keys" columns={COLUMNS}>
      {newestFirst.map((key) => (
        <tr key={key.id}>
          <HeadCell>
            {key.name}
            <span class="second-line">
              {formatMoment(key.createdAt, now)} by {key.createdBy}
            </span>
          </HeadCell>
          <Cell head="May">
            {key.scopes.join(', ')}
            {key.gateway !== null && <span class="second-line">for {key.gateway} only</span>}
          </Cell>
          <Cell head="State">
            <WordsBadge words={keyWords(key, now)} />
          </Cell>
          <Cell head="Last used">{key.lastUsedAt === null ? 'Never' : formatAge(now - key.lastUsedAt)}</Cell>
          <Cell head="Ends">{key.expiresAt === null ? 'Never' : formatFull(key.expiresAt)}</Cell>
          <Cell head="Do" align="end">
            {keyWords(key, now).text === 'Valid' && (
              <Button label={`Revoke ${key.name}`} onClick={() => onRevoke(key)}>
                Revoke
              </Button>
            )}
          </Cell>
        </tr>
      ))}
    </Table>
  )
}

function RevokeDialog({ of, onClose }: { readonly of: GatewayKey; readonly onClose: () => void }): JSX.Element {
  const { api } = useCentral()
  const { isBusy, error, run } = useWork(() => api.revokeKey(of.id), onClose)
  return (
    <Dialog title={`Revoke ${of.name}?`} action="Revoke" onAction={run} onClose={onClose} isBusy={isBusy} error={error}>
      <p>Who carries it is refused from now on, within 5 s everywhere. A revoked key does not come back.</p>
      <p>A gateway keeps what it has not handed in, and sends it when it has another key.</p>
    </Dialog>
  )
}
