// Signing in, and the first set-up: shown instead of everything else while the gateway does not know who is there.

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Field } from '../parts/field.tsx'
import { GateForm } from '../parts/gate-form.tsx'
import { Gate } from '../parts/gate.tsx'
import { useNewPassword } from '../parts/new-password.tsx'
import { useServices } from '../state/services.ts'

export function LoginPage(): JSX.Element {
  const { api, plant, feed } = useServices()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const submit = async (): Promise<void> => {
    await api.login(name, password)
    await feed.start()
  }
  if (plant.session.value?.setup === true) return <SetupNeeded />
  return (
    <Gate title="Sign in">
      <GateForm action="Sign in" busyAction="Signing in…" onSubmit={submit}>
        <Field label="Name" value={name} onInput={setName} autocomplete="username" required autofocus />
        <Field
          label="Password"
          value={password}
          onInput={setPassword}
          type="password"
          autocomplete="current-password"
          required
        />
      </GateForm>
    </Gate>
  )
}

function SetupNeeded(): JSX.Element {
  return (
    <Gate title="This gateway is new">
      <p>
        Nobody can sign in yet. When the gateway started it printed a set-up link on its terminal and in its log. Open
        that link to make the first administrator.
      </p>
      <p class="quiet">There is no default password. Restart the gateway to see the link again.</p>
    </Gate>
  )
}

/** Opened by the link `/setup#token=…`; the fragment never leaves the browser except in the request that uses it. */
export function SetupPage(): JSX.Element {
  const { api, plant, feed, router } = useServices()
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token') ?? '')
  const [name, setName] = useState('')
  const newPassword = useNewPassword()
  const submit = async (): Promise<void> => {
    await api.setUp(token, name, newPassword.take())
    router.go('/')
    await feed.start()
  }
  if (plant.session.value !== null && !plant.session.value.setup) return <SetupDone />
  if (token === '') return <SetupNeeded />
  return (
    <Gate title="Set up this gateway">
      <p>Make the first administrator. More users can be added later.</p>
      <GateForm action="Make administrator" busyAction="Working…" onSubmit={submit}>
        <Field
          label="Name"
          value={name}
          onInput={setName}
          autocomplete="username"
          required
          autofocus
          hint="Letters, digits and . _ @ -"
        />
        {newPassword.fields}
      </GateForm>
    </Gate>
  )
}

function SetupDone(): JSX.Element {
  return (
    <Gate title="Already set up">
      <p>
        This gateway has its administrator; a set-up link works once. <a href="/">Go to the dashboard</a>
      </p>
    </Gate>
  )
}
