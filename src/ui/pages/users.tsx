// Who may use this gateway: people with their roles, and programs with their tokens. For administrators.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import {
  addUser,
  changeUser,
  readTokens,
  readUsers,
  removeUser,
  revokeToken,
  type Token,
  type User,
} from '../client/accounts.ts'
import { errorMessage } from '../client/http.ts'
import { formatAge, formatFull } from '../format/time.ts'
import { nameFromId } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useServices } from '../state/services.ts'
import { SystemTabs } from './system-tabs.tsx'
import { ConfirmDialog, UserList } from './user-list.tsx'
import { ROLE_OPTIONS } from './users-roles.ts'
import { TokenDialog } from './users-token.tsx'

type Open = { readonly what: 'addToken' } | { readonly what: 'revokeToken'; readonly token: Token }

export function UsersPage(): JSX.Element {
  const { plant } = useServices()
  return (
    <Page title="Users and tokens" lead={<p>People sign in with a password; programs carry a token.</p>}>
      <SystemTabs current="users" />
      {plant.may('admin') ? (
        <Accounts />
      ) : (
        <EmptyState title="Users and tokens are for administrators" icon="user">
          <p>Sign in as an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function Accounts(): JSX.Element {
  const { api, plant } = useServices()
  const [users, setUsers] = useState<readonly User[] | null>(null)
  const [tokens, setTokens] = useState<readonly Token[] | null>(null)
  const [error, setError] = useState<string | null>(null)
  const [open, setOpen] = useState<Open | null>(null)
  const load = async (): Promise<void> => {
    try {
      const [people, programs] = await Promise.all([readUsers(api.http), readTokens(api.http)])
      setUsers(people)
      setTokens(programs)
      setError(null)
    } catch (cause) {
      setError(errorMessage(cause))
    }
  }
  useEffect(() => void load(), [])
  const close = (): void => {
    setOpen(null)
    void load()
  }
  return (
    <>
      {error !== null && (
        <Notice icon="bad" tone="data">
          <strong>They could not be loaded.</strong> {error}
        </Notice>
      )}
      {plant.session.value?.auth === 'none' && (
        <Notice icon="bad" tone="data">
          <strong>Nobody is asked to sign in.</strong> The configuration has <code>http.auth: none</code>: whoever
          reaches this page is an administrator.
        </Notice>
      )}
      <UserList
        people={users}
        own={plant.session.value?.user?.name}
        roles={ROLE_OPTIONS}
        work={{
          add: (name, password, role) => addUser(api.http, name, password, role),
          change: (name, change) => changeUser(api.http, name, change),
          remove: (name) => removeUser(api.http, name),
        }}
        onChanged={() => void load()}
      />
      <Card
        title="Tokens of programs"
        aside={
          <Button icon="add" onClick={() => setOpen({ what: 'addToken' })}>
            Make a token
          </Button>
        }
      >
        {tokens !== null && <TokenTable tokens={tokens} onOpen={setOpen} />}
      </Card>
      {open !== null && <OpenDialog open={open} onClose={close} />}
    </>
  )
}

interface ListProps {
  readonly onOpen: (open: Open) => void
}

const TOKEN_COLUMNS: readonly Column[] = [
  { key: 'name', head: 'Name' },
  { key: 'role', head: 'May' },
  { key: 'used', head: 'Last used' },
  { key: 'ends', head: 'Ends' },
  { key: 'do', head: 'Do', align: 'end', isNarrow: true },
]

function TokenTable({ tokens, onOpen }: ListProps & { readonly tokens: readonly Token[] }): JSX.Element {
  const { plant } = useServices()
  const now = plant.now.peek()
  if (tokens.length === 0) return <p class="quiet">There are none: no program has access.</p>
  return (
    <Table caption="Tokens of programs" columns={TOKEN_COLUMNS}>
      {tokens.map((token) => (
        <tr key={token.id}>
          <HeadCell>
            {token.name}
            <span class="id">{token.id}</span>
          </HeadCell>
          <Cell head="May">
            {nameFromId(token.role)}
            {token.ingest !== null && (
              <span class="second-line">only hand in readings for {token.ingest.join(', ')}</span>
            )}
          </Cell>
          <Cell head="Last used">{token.lastUsedAt === null ? 'Never' : formatAge(now - token.lastUsedAt)}</Cell>
          <Cell head="Ends">{token.expiresAt === null ? 'Never' : formatFull(token.expiresAt)}</Cell>
          <Cell head="Do" align="end">
            <Button label={`Revoke ${token.name}`} onClick={() => onOpen({ what: 'revokeToken', token })}>
              Revoke
            </Button>
          </Cell>
        </tr>
      ))}
    </Table>
  )
}

function OpenDialog({ open, onClose }: { readonly open: Open; readonly onClose: () => void }): JSX.Element {
  const { api } = useServices()
  switch (open.what) {
    case 'addToken':
      return <TokenDialog onClose={onClose} />
    case 'revokeToken':
      return (
        <ConfirmDialog
          title={`Revoke ${open.token.name}?`}
          action="Revoke"
          work={() => revokeToken(api.http, open.token.id)}
          onClose={onClose}
        >
          The program that carries it has no access from this moment on. A revoked token does not come back.
        </ConfirmDialog>
      )
  }
}
