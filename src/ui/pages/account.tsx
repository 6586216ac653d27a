// One's own password and open sessions.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { changePassword } from '../client/accounts.ts'
import { Page } from '../layout/shell.tsx'
import { EmptyState } from '../parts/card.tsx'
import { useServices } from '../state/services.ts'
import { PasswordCard } from './password-card.tsx'
import { SessionsCard } from './sessions-card.tsx'
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
  const [changes, setChanges] = useState(0)
  return (
    <div class="columns">
      <PasswordCard
        change={(current, password) => changePassword(api.http, current, password)}
        note="Your other sessions end."
        onChanged={() => setChanges((count) => count + 1)}
      />
      <SessionsCard key={changes} http={api.http} />
    </div>
  )
}
