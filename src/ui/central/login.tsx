// Signing in, and the first set-up: shown instead of everything else while central does not know who is there.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { Field } from '../parts/field.tsx'
import { GateForm } from '../parts/gate-form.tsx'
import { Gate } from '../parts/gate.tsx'
import { useNewPassword } from '../parts/new-password.tsx'
import { useCentral } from './services.ts'
import { idFromName } from './words.ts'

export const PRODUCT = 'TelemetryX Central'

export function LoginPage(): JSX.Element {
  const { api, session } = useCentral()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [tenant, setTenant] = useState('')
  const submit = async (): Promise<void> => {
    session.value = await api.login(tenant.trim(), name, password)
  }
  if (session.value?.setup === true) return <SetupNeeded />
  return (
    <Gate title="Sign in" product={PRODUCT}>
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
        <Field
          label="Tenant"
          value={tenant}
          onInput={setTenant}
          autocomplete="organization"
          hint="Its id. Empty: that of the first administrator."
        />
      </GateForm>
    </Gate>
  )
}

function SetupNeeded(): JSX.Element {
  return (
    <Gate title="This central is new" product={PRODUCT}>
      <p>
        Nobody can sign in yet. When central started it printed a set-up link on its terminal and in its log. Open that
        link to make the first tenant and its administrator.
      </p>
      <p class="quiet">There is no default password. Restart central to see the link again.</p>
    </Gate>
  )
}

/** Opened by the link `/setup#token=…`; the fragment never leaves the browser except in the request that uses it. */
export function SetupPage(): JSX.Element {
  const { api, router, session } = useCentral()
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token') ?? '')
  const [tenant, setTenant] = useState('')
  const [name, setName] = useState('')
  const newPassword = useNewPassword()
  const submit = async (): Promise<void> => {
    const id = idFromName(tenant)
    if (id === '') throw new Error('The tenant’s name needs a letter or a digit.')
    const password = newPassword.take()
    const begun = await api.setUp({ token, name, password, tenant: { id, name: tenant.trim() } })
    router.go('/')
    session.value = begun
  }
  if (session.value?.setup === false) return <SetupDone />
  if (token === '') return <SetupNeeded />
  const id = idFromName(tenant)
  return (
    <Gate title="Set up central" product={PRODUCT}>
      <p>Make the first tenant and its administrator. More of both can be added later.</p>
      <GateForm action="Make administrator" busyAction="Working…" onSubmit={submit}>
        <Field
          label="Tenant"
          value={tenant}
          onInput={setTenant}
          autocomplete="organization"
          required
          autofocus
          maxLength={100}
          hint={id === '' ? 'The company or group whose gateways these are.' : `Its id: ${id}`}
        />
        <Field
          label="Name"
          value={name}
          onInput={setName}
          autocomplete="username"
          required
          hint="Of the administrator: letters, digits and . _ @ -"
        />
        {newPassword.fields}
      </GateForm>
    </Gate>
  )
}

function SetupDone(): JSX.Element {
  return (
    <Gate title="Already set up" product={PRODUCT}>
      <p>
        This central has its administrator; a set-up link works once. <a href="/">Go to the fleet</a>
      </p>
    </Gate>
  )
}
