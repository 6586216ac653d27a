// One's own password and open sessions.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { changePassword, endSession, readSessions, type OpenSession } from '../client/accounts.ts'
import { errorMessage } from '../client/http.ts'
import { formatAge, formatMoment } from '../format/time.ts'
import { Page } from '../layout/shell.tsx'
import { Button } from '../parts/button.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { ErrorText } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useServices } from '../state/services.ts'
import { PasswordCard } from './password-card.tsx'
import { SystemTabs } from './system-tabs.tsx'

export function AccountPage(): JSX.Element {
  const { plant } = useServices()
  const user = plant.session.value?.user ?? null
  const isOpen = plant.session.value?.auth === 'none'
  return (
    <Page title="Your account" lead={user === null || isOpen ? undefined : <p>{`${user.name}, ${user.role}`}</p>}>
      <SystemTabs current="account" />
      {isOpen || user === null ? (
        <EmptyState title="Nobody is signed in" icon="user">
          <p>This gateway asks nobody to sign in (http.auth: none in its configuration).</p>
        </EmptyState>
      ) : (
        <Account />
      )}
    </Page>
  )
}

function Account(): JSX.Element {
  const { api } = useServices()
  const [sessions, setSessions] = useState<readonly OpenSession[]>([])
  const [error, setError] = useState<string | null>(null)
  const load = async (): Promise<void> => {
    try {
      setSessions(await readSessions(api.http))
    } catch (cause) {
      setError(errorMessage(cause))
    }
  }
  useEffect(() => void load(), [])
  const end = async (id: string): Promise<void> => {
    await endSession(api.http, id).catch((cause: unknown) => setError(errorMessage(cause)))
    await load()
  }
  return (
    <div class="columns">
      <PasswordCard
        change={(current, password) => changePassword(api.http, current, password)}
        note="Your other sessions end."
        onChanged={() => void load()}
      />
      <Card title="Your open sessions">
        <ErrorText text={error} />
        <SessionTable sessions={sessions} onEnd={(id) => void end(id)} />
      </Card>
    </div>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'from', head: 'From' },
  { key: 'used', head: 'Last used' },
  { key: 'ends', head: 'Ends' },
  { key: 'do', head: 'Do', align: 'end', isNarrow: true },
]

interface SessionTableProps {
  readonly sessions: readonly OpenSession[]
  readonly onEnd: (id: string) => void
}

function SessionTable({ sessions, onEnd }: SessionTableProps): JSX.Element {
  const { plant } = useServices()
  const now = plant.now.peek()
  return (
    <Table caption="Your open sessions" columns={COLUMNS}>
      {sessions.map(({ id, isThis, address, usedAt, expiresAt }) => (
        <tr key={id}>
          <HeadCell>
            {address}
            {isThis && <span class="second-line">This one</span>}
          </HeadCell>
          <Cell head="Last used">{formatAge(now - usedAt)}</Cell>
          <Cell head="Ends">{formatMoment(expiresAt, now)}</Cell>
          <Cell head="Do" align="end">
            {!isThis && (
              <Button label={`End the session of ${address}`} onClick={() => onEnd(id)}>
                End
              </Button>
            )}
          </Cell>
        </tr>
      ))}
    </Table>
  )
}
