// Who may use this tenant: people with a password kept here. For administrators.

import type { JSX } from 'preact'
import { addUser, readUsers, removeUser } from '../client/accounts.ts'
import type { HttpClient } from '../client/http.ts'
import type { Role } from '../client/wire.ts'
import { UserList, type PeopleWork } from '../pages/user-list.tsx'
import { EmptyState } from '../parts/card.tsx'
import { useCentral } from './services.ts'
import { LostNotice, Page, useMay } from './shell.tsx'
import { usePoll } from './use-poll.ts'

const ROLE_OPTIONS: readonly { readonly key: Role; readonly text: string }[] = [
  { key: 'viewer', text: 'Viewer: looks' },
  { key: 'operator', text: 'Operator: looks; acts at the gateways, not here' },
  { key: 'engineer', text: 'Engineer: also changes the model and offers configurations' },
  { key: 'admin', text: 'Administrator: also manages people and keys' },
]

export function PeoplePage(): JSX.Element {
  return (
    <Page
      title="People"
      lead={
        <p>
          People sign in with a password that is kept here, or through the company’s provider; programs carry a key.
        </p>
      }
    >
      {useMay('admin') ? (
        <People />
      ) : (
        <EmptyState title="People are for administrators" icon="user">
          <p>Sign in as an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function People(): JSX.Element {
  const { api, session } = useCentral()
  const { value, error, refresh } = usePoll(() => readUsers(api.http), 'people')
  const people = value?.map((user) => ({
    ...user,
    note: user.isPlatformAdmin ? 'Administrator of the platform: also makes tenants' : null,
  }))
  return (
    <>
      <LostNotice error={error} isStale={value !== null} />
      <UserList
        people={people ?? null}
        own={session.value?.user?.name}
        roles={ROLE_OPTIONS}
        work={workOf(api.http)}
        onChanged={refresh}
      />
    </>
  )
}

function workOf(http: HttpClient): PeopleWork {
  const path = (name: string): string => `/users/${encodeURIComponent(name)}`
  const change = async (name: string, body: object): Promise<void> => {
    await http.request(path(name), { method: 'PATCH', body })
  }
  return {
    add: (name, password, role) => addUser(http, name, password, role),
    change,
    remove: (name) => removeUser(http, name),
    signOut: async (name) => void (await http.request(`${path(name)}/sessions`, { method: 'DELETE' })),
    setActive: (name, active) => change(name, { active }),
  }
}
