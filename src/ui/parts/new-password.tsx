// A password that is chosen: its two fields, and what must hold of it.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { Field } from './field.tsx'

const LEAST_LENGTH = 10

export interface NewPassword {
  readonly fields: JSX.Element
  /** The password. Throws, in words for its owner, when it is too short or was repeated otherwise. */
  take(): string
}

export function useNewPassword(): NewPassword {
  const [password, setPassword] = useState('')
  const [repeated, setRepeated] = useState('')
  return {
    fields: (
      <>
        <Field
          label="Password"
          value={password}
          onInput={setPassword}
          type="password"
          autocomplete="new-password"
          required
          hint={`At least ${LEAST_LENGTH} characters.`}
        />
        <Field
          label="Password again"
          value={repeated}
          onInput={setRepeated}
          type="password"
          autocomplete="new-password"
          required
        />
      </>
    ),
    take: () => {
      if (password.length < LEAST_LENGTH) throw new Error(`The password needs at least ${LEAST_LENGTH} characters.`)
      if (password !== repeated) throw new Error('The two passwords differ.')
      return password
    },
  }
}
