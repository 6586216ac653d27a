// Signing in, and the first set-up: shown instead of everything else while the gateway does not know who is there.

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { errorMessage } from '../client/http.ts'
import { Button } from '../parts/button.tsx'
import { ErrorText, Field } from '../parts/field.tsx'
import { Gate } from '../parts/gate.tsx'
import { useServices } from '../state/services.ts'

const LEAST_PASSWORD = 10

export function LoginPage(): JSX.Element {
  const { api, plant, feed } = useServices()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const { isBusy, error, submit } = useSubmit(async () => {
    await api.login(name, password)
    await feed.start()
  })
  if (plant.session.value?.setup === true) return <SetupNeeded />
  return (
    <Gate title="Sign in">
      <form onSubmit={submit}>
        <Field label="Name" value={name} onInput={setName} autocomplete="username" required autofocus />
        <Field
          label="Password"
          value={password}
          onInput={setPassword}
          type="password"
          autocomplete="current-password"
          required
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
  const [password, setPassword] = useState('')
  const [repeated, setRepeated] = useState('')
  const { isBusy, error, submit } = useSubmit(async () => {
    if (password.length < LEAST_PASSWORD) throw new Error(`The password needs at least ${LEAST_PASSWORD} characters.`)
    if (password !== repeated) throw new Error('The two passwords differ.')
    await api.setUp(token, name, password)
    router.go('/')
    await feed.start()
  })
  if (plant.session.value !== null && !plant.session.value.setup) return <SetupDone />
  if (token === '') return <SetupNeeded />
  return (
    <Gate title="Set up this gateway">
      <p>Make the first administrator. More users can be added later.</p>
      <form onSubmit={submit}>
        <Field
          label="Name"
          value={name}
          onInput={setName}
          autocomplete="username"
          required
          autofocus
          hint="Letters, digits and . _ @ -"
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
    <Gate title="Already set up">
      <p>
        This gateway has its administrator; a set-up link works once. <a href="/">Go to the dashboard</a>
      </p>
    </Gate>
  )
}

function useSubmit(action: () => Promise<void>): {
  readonly isBusy: boolean
  readonly error: string | null
  readonly submit: (event: Event) => void
} {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const run = async (): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      await action()
    } catch (cause) {
      setError(errorMessage(cause))
    }
    setBusy(false)
  }
  return {
    isBusy,
    error,
    submit: (event) => {
      event.preventDefault()
      if (!isBusy) void run()
    },
  }
}
