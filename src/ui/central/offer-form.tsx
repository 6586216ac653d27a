// Offering a configuration to a gateway: the whole text, and why.

import { useId, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import { useWork } from '../pages/use-work.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { ErrorText, Field } from '../parts/field.tsx'
import { useCentral } from './services.ts'

interface OfferFormProps {
  readonly id: string
  /** The revision to begin from; null: none was offered. */
  readonly last: string | null
  readonly onOffered: () => void
}

export function OfferForm({ id, last, onOffered }: OfferFormProps): JSX.Element {
  const { api } = useCentral()
  const [text, setText] = useState('')
  const [comment, setComment] = useState('')
  const [told, setTold] = useState<string | null>(null)
  const area = useId()
  const begin = async (revision: string): Promise<void> => {
    try {
      setText((await api.offer(id, revision)).text)
      setTold(null)
    } catch (cause) {
      setTold(errorMessage(cause))
    }
  }
  const { isBusy, error, run } = useWork(async () => {
    const { revision } = await api.makeOffer(id, text, comment.trim())
    setTold(`${revision} is offered.`)
    setText('')
    setComment('')
  }, onOffered)
  const submit = (event: Event): void => {
    event.preventDefault()
    if (!isBusy) run()
  }
  return (
    <Card
      title="Offer a configuration"
      aside={
        last !== null &&
        text === '' && <Button onClick={() => void begin(last)}>{`Begin with the text of ${last}`}</Button>
      }
    >
      <form onSubmit={submit}>
        <div class="field">
          <label for={area}>The whole gateway.yaml</label>
          <textarea
            id={area}
            class="code-area"
            rows={12}
            spellcheck={false}
            autocomplete="off"
            required
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            aria-describedby={`${area}-hint`}
          />
          <p class="hint" id={`${area}-hint`}>
            The gateway checks it, plans it, applies all or nothing, and goes back by itself if it is worse for it. Keep
            secrets in {'${NAME}'} references.
          </p>
        </div>
        <div class="apply-form">
          <Field label="Why (kept with it)" value={comment} onInput={setComment} maxLength={400} />
          <Button type="submit" kind="primary" disabled={isBusy}>
            {isBusy ? 'Working…' : `Offer it to ${id}`}
          </Button>
        </div>
        <ErrorText text={error} />
        <p role="status">{told}</p>
      </form>
    </Card>
  )
}
