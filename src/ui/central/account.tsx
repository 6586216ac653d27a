// One's own account: the password, and the open sessions.

import type { JSX } from 'preact'
import { changePassword } from '../client/accounts.ts'
import { PasswordCard } from '../pages/password-card.tsx'
import { SessionsCard } from '../pages/sessions-card.tsx'
import { useCentral } from './services.ts'
import { Page } from './shell.tsx'

export function AccountPage(): JSX.Element {
  const { api, session } = useCentral()
  const known = session.value
  const user = known?.user ?? null
  return (
    <Page title="Your account" lead={user === null ? undefined : <p>{`${user.name}, ${user.role ?? 'program'}`}</p>}>
      <div class="columns">
        <PasswordCard
          change={(current, password) => changePassword(api.http, current, password)}
          note="Every session of yours ends, this one too: sign in again with the new one."
          onChanged={() => {
            if (known !== null) session.value = { ...known, user: null }
          }}
        />
        <SessionsCard http={api.http} />
      </div>
    </Page>
  )
}
