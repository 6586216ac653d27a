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
  ROLES,
  type Token,
  type User,
} from '../client/accounts.ts'
import { errorMessage } from '../client/http.ts'
import type { Role } from '../client/wire.ts'
import { formatAge, formatFull, formatMoment } from '../format/time.ts'
import { nameFromId } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Select } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useServices } from '../state/services.ts'
import { SystemTabs } from './system-tabs.tsx'
import { ROLE_OPTIONS } from './users-roles.ts'
import { TokenDialog } from './users-token.tsx'
import { useWork } from './use-work.ts'

type Open =
  | { readonly what: 'addUser' | 'addToken' }
  | { readonly what: 'changeUser' | 'removeUser'; readonly user: User }
  | { readonly what: 'revokeToken'; readonly token: Token }

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
      <Card
        title="Users"
        aside={
          <Button icon="add" onClick={() => setOpen({ what: 'addUser' })}>
            Add a user
          </Button>
        }
      >
        {users !== null && <UserTable users={users} onOpen={setOpen} />}
      </Card>
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

const USER_COLUMNS: readonly Column[] = [
  { key: 'name', head: 'Name' },
  { key: 'role', head: 'Role' },
  { key: 'created', head: 'Since' },
  { key: 'do', head: 'Do', align: 'end', isNarrow: true },
]

interface ListProps {
  readonly onOpen: (open: Open) => void
}

function UserTable({ users, onOpen }: ListProps & { readonly users: readonly User[] }): JSX.Element {
  const { plant } = useServices()
  const own = plant.session.value?.user?.name
  if (users.length === 0) return <p class="quiet">There are none.</p>
  return (
    <Table caption="Users" columns={USER_COLUMNS}>
      {users.map((user) => (
        <tr key={user.name}>
          <HeadCell>
            {user.name}
            {user.name === own && <span class="second-line">This is you</span>}
          </HeadCell>
          <Cell head="Role">{nameFromId(user.role)}</Cell>
          <Cell head="Since">{formatMoment(user.createdAt, plant.now.peek())}</Cell>
          <Cell head="Do" align="end">
            <div class="button-row">
              <Button label={`Change ${user.name}`} onClick={() => onOpen({ what: 'changeUser', user })}>
                Change
              </Button>
              <Button
                label={`Remove ${user.name}`}
                disabled={user.name === own}
                onClick={() => onOpen({ what: 'removeUser', user })}
              >
                Remove
              </Button>
            </div>
          </Cell>
        </tr>
      ))}
    </Table>
  )
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
    case 'addUser':
      return <UserDialog user={null} onClose={onClose} />
    case 'changeUser':
      return <UserDialog user={open.user} onClose={onClose} />
    case 'addToken':
      return <TokenDialog onClose={onClose} />
    case 'removeUser':
      return (
        <ConfirmDialog
          title={`Remove ${open.user.name}?`}
          action="Remove"
          work={() => removeUser(api.http, open.user.name)}
          onClose={onClose}
        >
          The user is signed out everywhere at once and cannot sign in again. What they did stays in the audit log.
        </ConfirmDialog>
      )
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

interface ConfirmDialogProps {
  readonly title: string
  readonly action: string
  readonly work: () => Promise<void>
  readonly onClose: () => void
  readonly children: string
}

function ConfirmDialog({ title, action, work, onClose, children }: ConfirmDialogProps): JSX.Element {
  const { isBusy, error, run } = useWork(work, onClose)
  return (
    <Dialog title={title} action={action} onAction={run} onClose={onClose} isBusy={isBusy} error={error}>
      <p>{children}</p>
    </Dialog>
  )
}

/** `user` null: a new one. */
function UserDialog({ user, onClose }: { readonly user: User | null; readonly onClose: () => void }): JSX.Element {
  const { api } = useServices()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState<Role>(user?.role ?? ROLES[0])
  const save = async (): Promise<void> => {
    if (user === null) return addUser(api.http, name, password, role)
    const isOtherRole = role !== user.role
    if (!isOtherRole && password === '') throw new Error('Nothing would change.')
    await changeUser(api.http, user.name, { ...(isOtherRole && { role }), ...(password !== '' && { password }) })
  }
  const { isBusy, error, run } = useWork(save, onClose)
  return (
    <Dialog
      title={user === null ? 'Add a user' : `Change ${user.name}`}
      action={user === null ? 'Add' : 'Save'}
      onAction={run}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      {user === null && (
        <Field label="Name" value={name} onInput={setName} required autofocus hint="Letters, digits and . _ @ -" />
      )}
      <Select label="Role" value={role} options={ROLE_OPTIONS} onChoose={setRole} />
      <Field
        label={user === null ? 'Password' : 'New password'}
        type="password"
        autocomplete="new-password"
        value={password}
        onInput={setPassword}
        required={user === null}
        hint={
          user === null
            ? 'At least 10 characters. They can change it under Your account.'
            : 'Leave it empty to keep the present one. All sessions of the user end.'
        }
      />
    </Dialog>
  )
}
