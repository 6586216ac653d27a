// People who sign in with a password: added, given another role or password, signed out, disabled, removed. What a server does not
// offer is not shown.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { ROLES, type Role } from '../client/wire.ts'
import { formatMoment } from '../format/time.ts'
import { nameFromId } from '../format/words.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Select } from '../parts/field.tsx'
import { Badge } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import { useWork } from './use-work.ts'

export interface Person {
  readonly name: string
  readonly role: Role
  /** Unix milliseconds. */
  readonly createdAt: number
  /** False: nobody can sign in as this one. Absent: a server that disables nobody. */
  readonly isActive?: boolean
  readonly note?: string | null
}

export interface PersonChange {
  readonly role?: Role
  readonly password?: string
}

/** What can be done. Every call may throw ApiError. */
export interface PeopleWork {
  readonly add: (name: string, password: string, role: Role) => Promise<void>
  /** With another password all sessions end. */
  readonly change: (name: string, change: PersonChange) => Promise<void>
  readonly remove: (name: string) => Promise<void>
  /** Ends all sessions. */
  readonly signOut?: (name: string) => Promise<void>
  readonly setActive?: (name: string, isActive: boolean) => Promise<void>
}

interface UserListProps {
  /** null: not loaded yet. */
  readonly people: readonly Person[] | null
  /** Name of who looks; undefined: nobody of them. */
  readonly own: string | undefined
  readonly roles: readonly { readonly key: Role; readonly text: string }[]
  readonly work: PeopleWork
  readonly onChanged: () => void
}

type Open =
  | { readonly what: 'add' }
  | { readonly what: 'change' | 'remove' | 'signOut' | 'disable' | 'enable'; readonly person: Person }

export function UserList(props: UserListProps): JSX.Element {
  const { people, onChanged } = props
  const [open, setOpen] = useState<Open | null>(null)
  const close = (): void => {
    setOpen(null)
    onChanged()
  }
  return (
    <Card
      title="Users"
      aside={
        <Button icon="add" onClick={() => setOpen({ what: 'add' })}>
          Add a user
        </Button>
      }
    >
      {people?.length === 0 && <p class="quiet">There are none: nobody signs in with a password.</p>}
      {people !== null && people.length > 0 && <UserTable {...props} people={people} onOpen={setOpen} />}
      {open !== null && <OpenDialog open={open} {...props} onClose={close} />}
    </Card>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'name', head: 'Name' },
  { key: 'role', head: 'Role' },
  { key: 'created', head: 'Since' },
  { key: 'do', head: 'Do', align: 'end', isNarrow: true },
]

interface UserTableProps extends Pick<UserListProps, 'own' | 'work'> {
  readonly people: readonly Person[]
  readonly onOpen: (open: Open) => void
}

function UserTable({ people, own, work, onOpen }: UserTableProps): JSX.Element {
  const { now } = useFrame()
  return (
    <Table caption="Users" columns={COLUMNS}>
      {people.map((person) => (
        <tr key={person.name}>
          <HeadCell>
            {person.name}
            {person.name === own && <span class="second-line">This is you</span>}
            {(person.note ?? null) !== null && <span class="second-line">{person.note}</span>}
          </HeadCell>
          <Cell head="Role">
            {nameFromId(person.role)}{' '}
            {person.isActive === false && (
              <Badge tone="data" icon="pause">
                Disabled
              </Badge>
            )}
          </Cell>
          <Cell head="Since">{formatMoment(person.createdAt, now.peek())}</Cell>
          <Cell head="Do" align="end">
            <Doings person={person} isOwn={person.name === own} work={work} onOpen={onOpen} />
          </Cell>
        </tr>
      ))}
    </Table>
  )
}

interface DoingsProps extends Pick<UserTableProps, 'work' | 'onOpen'> {
  readonly person: Person
  readonly isOwn: boolean
}

function Doings({ person, isOwn, work, onOpen }: DoingsProps): JSX.Element {
  const { name, isActive = true } = person
  return (
    <div class="button-row">
      <Button label={`Change ${name}`} onClick={() => onOpen({ what: 'change', person })}>
        Change
      </Button>
      {work.signOut !== undefined && isActive && (
        <Button label={`Sign out ${name}`} onClick={() => onOpen({ what: 'signOut', person })}>
          Sign out
        </Button>
      )}
      {work.setActive !== undefined && (
        <Button
          label={`${isActive ? 'Disable' : 'Enable'} ${name}`}
          disabled={isOwn}
          onClick={() => onOpen({ what: isActive ? 'disable' : 'enable', person })}
        >
          {isActive ? 'Disable' : 'Enable'}
        </Button>
      )}
      <Button label={`Remove ${name}`} disabled={isOwn} onClick={() => onOpen({ what: 'remove', person })}>
        Remove
      </Button>
    </div>
  )
}

interface OpenDialogProps extends Pick<UserListProps, 'roles' | 'work'> {
  readonly open: Open
  readonly onClose: () => void
}

function OpenDialog({ open, roles, work, onClose }: OpenDialogProps): JSX.Element {
  if (open.what === 'add') return <UserDialog person={null} roles={roles} work={work} onClose={onClose} />
  const { person, what } = open
  const { name } = person
  switch (what) {
    case 'change':
      return <UserDialog person={person} roles={roles} work={work} onClose={onClose} />
    case 'remove':
      return (
        <ConfirmDialog title={`Remove ${name}?`} action="Remove" work={() => work.remove(name)} onClose={onClose}>
          The user is signed out everywhere at once and cannot sign in again. What they did stays in the audit log.
        </ConfirmDialog>
      )
    case 'signOut':
      return (
        <ConfirmDialog title={`Sign ${name} out?`} action="Sign out" work={() => work.signOut!(name)} onClose={onClose}>
          All sessions of the user end at once, wherever they are. They can sign in again with their password.
        </ConfirmDialog>
      )
    case 'disable':
      return (
        <ConfirmDialog
          title={`Disable ${name}?`}
          action="Disable"
          work={() => work.setActive!(name, false)}
          onClose={onClose}
        >
          The user is signed out everywhere at once and cannot sign in until somebody enables the account again.
        </ConfirmDialog>
      )
    case 'enable':
      return (
        <ConfirmDialog
          title={`Enable ${name}?`}
          action="Enable"
          work={() => work.setActive!(name, true)}
          onClose={onClose}
        >
          The user can sign in again, with the role and password of before.
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

export function ConfirmDialog({ title, action, work, onClose, children }: ConfirmDialogProps): JSX.Element {
  const { isBusy, error, run } = useWork(work, onClose)
  return (
    <Dialog title={title} action={action} onAction={run} onClose={onClose} isBusy={isBusy} error={error}>
      <p>{children}</p>
    </Dialog>
  )
}

interface UserDialogProps extends Pick<UserListProps, 'roles' | 'work'> {
  /** null: a new one. */
  readonly person: Person | null
  readonly onClose: () => void
}

function UserDialog({ person, roles, work, onClose }: UserDialogProps): JSX.Element {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState<Role>(person?.role ?? ROLES[0])
  const save = async (): Promise<void> => {
    if (person === null) return work.add(name, password, role)
    const isOtherRole = role !== person.role
    if (!isOtherRole && password === '') throw new Error('Nothing would change.')
    await work.change(person.name, { ...(isOtherRole && { role }), ...(password !== '' && { password }) })
  }
  const { isBusy, error, run } = useWork(save, onClose)
  return (
    <Dialog
      title={person === null ? 'Add a user' : `Change ${person.name}`}
      action={person === null ? 'Add' : 'Save'}
      onAction={run}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      {person === null && (
        <Field label="Name" value={name} onInput={setName} required autofocus hint="Letters, digits and . _ @ -" />
      )}
      <Select label="Role" value={role} options={roles} onChoose={setRole} />
      <Field
        label={person === null ? 'Password' : 'New password'}
        type="password"
        autocomplete="new-password"
        value={password}
        onInput={setPassword}
        required={person === null}
        hint={
          person === null
            ? 'At least 10 characters. They can change it under Your account.'
            : 'Leave it empty to keep the present one. All sessions of the user end.'
        }
      />
    </Dialog>
  )
}
