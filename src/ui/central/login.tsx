// Signing in, and the first set-up: shown instead of everything else while central does not know who is there.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { useWork } from '../pages/use-work.ts'
import { Button } from '../parts/button.tsx'
import { ErrorText, Field } from '../parts/field.tsx'
import { Gate } from '../parts/gate.tsx'
import { useCentral } from './services.ts'
import { idFromName } from './words.ts'

export const PRODUCT = 'TelemetryX Central'
const LEAST_PASSWORD = 10

export function LoginPage(): JSX.Element {
  const { api, session } = useCentral()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [tenant, setTenant] = useState('')
  const { isBusy, error, run } = useWork(
    async () => {
      session.value = await api.login(tenant.trim(), name, password)
    },
    () => undefined,
  )
  if (session.value?.setup === true) return <SetupNeeded />
  return (
    <Gate title="Sign in" product={PRODUCT}>
      <form onSubmit={submitting(isBusy, run)}>
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
        <ErrorText text={error} />
        <Button type="submit" kind="primary" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </Button>
      </form>
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
  const [password, setPassword] = useState('')
  const [repeated, setRepeated] = useState('')
  const { isBusy, error, run } = useWork(
    async () => {
      const id = idFromName(tenant)
      if (id === '') throw new Error('The tenant’s name needs a letter or a digit.')
      if (password.length < LEAST_PASSWORD) throw new Error(`The password needs at least ${LEAST_PASSWORD} characters.`)
      if (password !== repeated) throw new Error('The two passwords differ.')
      const begun = await api.setUp({ token, name, password, tenant: { id, name: tenant.trim() } })
      router.go('/')
      session.value = begun
    },
    () => undefined,
  )
  if (session.value?.setup === false) return <SetupDone />
  if (token === '') return <SetupNeeded />
  const id = idFromName(tenant)
  return (
    <Gate title="Set up central" product={PRODUCT}>
      <p>Make the first tenant and its administrator. More of both can be added later.</p>
      <form onSubmit={submitting(isBusy, run)}>
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
        <Field
          label="Password"
          value={password}
          onInput={setPassword}
          type="password"
          autocomplete="new-password"
          required
          hint={`At least ${LEAST_PASSWORD} characters.`}
        />
        <Field
          label="Password again"
          value={repeated}
          onInput={setRepeated}
          type="password"
          autocomplete="new-password"
          required
        />
        <ErrorText text={error} />
        <Button type="submit" kind="primary" disabled={isBusy}>
          {isBusy ? 'Working…' : 'Make administrator'}
        </Button>
      </form>
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

function submitting(isBusy: boolean, run: () => void): (event: Event) => void {
  return (event) => {
    event.preventDefault()
    if (!isBusy) run()
  }
}
