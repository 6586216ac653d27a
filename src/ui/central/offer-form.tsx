// Another configuration for a gateway: the whole text, what it would change there, and applying just that. A gateway that cannot say
// what would change can still be offered one.

import { useId, useRef, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import { useWork } from '../pages/use-work.ts'
import { Button } from '../parts/button.tsx'
import { Card, Notice } from '../parts/card.tsx'
import { ErrorText, Field } from '../parts/field.tsx'
import { OfferPlan } from './offer-plan.tsx'
import { useCentral } from './services.ts'
import { usePlan } from './use-plan.ts'
import type { FleetGateway, Problem } from './wire.ts'
import { cannotPlan } from './words.ts'

interface OfferFormProps {
  readonly gateway: FleetGateway
  /** The revision to begin from; null: none was offered. */
  readonly last: string | null
  readonly onOffered: () => void
}

export function OfferForm({ gateway, last, onOffered }: OfferFormProps): JSX.Element {
  const { api } = useCentral()
  const { id } = gateway
  const [text, setText] = useState('')
  const [comment, setComment] = useState('')
  const [told, setTold] = useState<string | null>(null)
  const area = useRef<HTMLTextAreaElement>(null)
  const planning = usePlan(id)
  const { question } = planning
  const isPlanned = question?.state === 'planned' && question.needsRestart.length === 0
  const write = (next: string): void => {
    setText(next)
    planning.forget()
  }
  const begin = async (revision: string): Promise<void> => {
    try {
      write((await api.offer(id, revision)).text)
      setTold(null)
    } catch (cause) {
      setTold(errorMessage(cause))
    }
  }
  const { isBusy, error, run } = useWork(async () => {
    const plan = isPlanned ? question.plan : null
    const { revision } = await api.makeOffer(id, text, { comment: comment.trim(), plan })
    setTold(`${revision} is offered.`)
    write('')
    setComment('')
  }, onOffered)
  const obstacle = cannotPlan(gateway)
  const mayPlan = obstacle === null && (question === null || question.state === 'overdue')
  // What the gateway would refuse, it need not be offered.
  const isRefused = question?.state === 'refused' || (question?.state === 'planned' && !isPlanned)
  // Enter shows what would change, where it can be known: nothing is offered unseen by it.
  const submit = (event: Event): void => {
    event.preventDefault()
    if (mayPlan) planning.ask(text)
    else if (!isBusy && (isPlanned || obstacle !== null)) run()
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
        <TextArea text={text} onInput={write} area={area} />
        {obstacle !== null && (
          <Notice icon="plugOff">
            <p>{obstacle}</p>
          </Notice>
        )}
        {question !== null && (
          <OfferPlan gateway={gateway} question={question} onJump={(problem) => jump(area.current, problem)} />
        )}
        <ErrorText text={planning.error} />
        <div class="apply-form">
          <Field label="Why (kept with it)" value={comment} onInput={setComment} maxLength={400} />
          <div class="button-row">
            {isPlanned || obstacle !== null ? (
              <Button type="submit" kind="primary" disabled={isBusy}>
                {isBusy ? 'Working…' : isPlanned ? `Apply to ${id}` : `Offer it to ${id}`}
              </Button>
            ) : (
              <Button type="submit" kind="primary" disabled={!mayPlan || planning.isBusy}>
                {question?.state === 'waiting' ? `Waiting for ${id}…` : 'Show what would change'}
              </Button>
            )}
            {!isPlanned && obstacle === null && !isRefused && (
              <Button disabled={text === '' || isBusy} onClick={run}>
                {`Offer it to ${id} unseen`}
              </Button>
            )}
          </div>
        </div>
        <ErrorText text={error} />
        <p role="status">{told}</p>
      </form>
    </Card>
  )
}

interface TextAreaProps {
  readonly text: string
  readonly onInput: (text: string) => void
  readonly area: { current: HTMLTextAreaElement | null }
}

function TextArea({ text, onInput, area }: TextAreaProps): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>The whole gateway.yaml</label>
      <textarea
        id={id}
        ref={area}
        class="code-area"
        rows={12}
        spellcheck={false}
        autocomplete="off"
        required
        value={text}
        onInput={(event) => onInput(event.currentTarget.value)}
        aria-describedby={`${id}-hint`}
      />
      <p class="hint" id={`${id}-hint`}>
        The gateway checks it, plans it, applies all or nothing, and goes back by itself if it is worse for it. Keep
        secrets in {'${NAME}'} references.
      </p>
    </div>
  )
}

/** To the place of a problem in the text. */
function jump(area: HTMLTextAreaElement | null, { column, line }: Problem): void {
  if (area === null || line === null) return
  const before = area.value.split('\n').slice(0, line - 1)
  const at = before.reduce((sum, each) => sum + each.length + 1, 0) + Math.max(0, (column ?? 1) - 1)
  area.focus()
  area.setSelectionRange(at, at)
}
