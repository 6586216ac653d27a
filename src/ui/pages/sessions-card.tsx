// One's own open sessions, each of which can be ended from here.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { endSession, readSessions, type OpenSession } from '../client/accounts.ts'
import { errorMessage, type HttpClient } from '../client/http.ts'
import { formatAge, formatMoment } from '../format/time.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { ErrorText } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'

export function SessionsCard({ http }: { readonly http: HttpClient }): JSX.Element {
  const [sessions, setSessions] = useState<readonly OpenSession[] | null>(null)
  const [error, setError] = useState<string | null>(null)
  const load = async (): Promise<void> => {
    try {
      setSessions(await readSessions(http))
    } catch (cause) {
      setError(errorMessage(cause))
    }
  }
  useEffect(() => void load(), [])
  const end = async (id: string): Promise<void> => {
    setError(null)
    await endSession(http, id).catch((cause: unknown) => setError(errorMessage(cause)))
    await load()
  }
  return (
    <Card title="Your open sessions">
      <ErrorText text={error} />
      {sessions === null ? (
        <p class="quiet">{error === null && 'Loading…'}</p>
      ) : sessions.length === 0 ? (
        <p class="quiet">None that began with a password here.</p>
      ) : (
        <SessionTable sessions={sessions} onEnd={(id) => void end(id)} />
      )}
    </Card>
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
  const now = useFrame().now.peek()
  return (
    <Table caption="Your open sessions" columns={COLUMNS}>
      {sessions.map(({ id, isThis, address, usedAt, expiresAt }) => (
        <tr key={id}>
          <HeadCell>
            {address === '' ? 'Not known' : address}
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
