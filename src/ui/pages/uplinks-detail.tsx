// One uplink: its state, its ledger, and the records that its receiver refused: look at them, send them again, discard them.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage, isAborted } from '../client/http.ts'
import { discardLetters, readLetters, retryLetters, type Letter } from '../client/letters.ts'
import type { Uplink } from '../client/wire.ts'
import { formatCount } from '../format/number.ts'
import { formatMoment } from '../format/time.ts'
import { counted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { UplinkCard } from './uplinks.tsx'

const COLUMNS: readonly Column[] = [
  { key: 'time', head: 'Time', isNarrow: true },
  { key: 'what', head: 'Record' },
  { key: 'reason', head: "The receiver's reason" },
  { key: 'attempts', head: 'Tries', align: 'end', isNarrow: true },
  { key: 'do', head: 'Actions', align: 'end', isNarrow: true },
]

type Question = { readonly what: 'retry' | 'discard'; readonly letter: number | null }

export function UplinkPage({ id }: { readonly id: string }): JSX.Element {
  const { plant } = useServices()
  const uplink = plant.uplinks.value.find((other) => other.id === id)
  const trail = <Link to="/uplinks">Uplinks</Link>
  if (uplink === undefined)
    return (
      <Page title="No such uplink" trail={trail}>
        <EmptyState title={`This gateway has no uplink ${id}`} icon="uplinks">
          <p>It may have been renamed in the configuration.</p>
        </EmptyState>
      </Page>
    )
  return (
    <Page title={uplink.id} trail={trail} lead={<p>{uplink.type}</p>}>
      <UplinkCard uplink={uplink} isAlone />
      <Letters uplink={uplink} />
    </Page>
  )
}

function Letters({ uplink }: { readonly uplink: Uplink }): JSX.Element {
  const { api, plant } = useServices()
  const [letters, setLetters] = useState<readonly Letter[] | null>(null)
  const [next, setNext] = useState<string | null>(null)
  const [question, setQuestion] = useState<Question | null>(null)
  const [outcome, setOutcome] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [turn, setTurn] = useState(0)
  const load = (cursor: string | null, signal: AbortSignal): void => {
    readLetters(api.http, uplink.id, cursor, signal).then(
      (page) => {
        setLetters((before) => (cursor === null ? page.items : [...(before ?? []), ...page.items]))
        setNext(page.next)
        setError(null)
      },
      (cause: unknown) => {
        if (!isAborted(cause)) setError(errorMessage(cause))
      },
    )
  }
  useEffect(() => {
    const abort = new AbortController()
    load(null, abort.signal)
    return () => abort.abort()
  }, [uplink.id, uplink.deadLetters, turn])
  const isAllowed = plant.may('engineer')
  const title = isAllowed ? undefined : 'Dead letters are handled by engineers'
  const hasLetters = letters !== null && letters.length > 0
  return (
    <Card
      title="Dead letters"
      aside={
        hasLetters && (
          <div class="button-row">
            <Button onClick={() => setQuestion({ what: 'retry', letter: null })} disabled={!isAllowed} title={title}>
              Send all again
            </Button>
            <Button
              kind="quiet"
              onClick={() => setQuestion({ what: 'discard', letter: null })}
              disabled={!isAllowed}
              title={title}
            >
              Discard all
            </Button>
          </div>
        )
      }
    >
      <p class="quiet">Records that the receiver refused for good. They are kept until somebody decides.</p>
      <p role="status" class="outcome">
        {outcome}
      </p>
      {error !== null && (
        <Notice icon="bad" tone="data">
          <strong>The dead letters could not be loaded.</strong> {error}
        </Notice>
      )}
      {letters !== null && letters.length === 0 && <p>None: everything was taken.</p>}
      {hasLetters && (
        <Table caption="Dead letters, oldest first" columns={COLUMNS}>
          {letters.map((letter) => (
            <LetterRow key={letter.id} letter={letter} isAllowed={isAllowed} onAsk={setQuestion} />
          ))}
        </Table>
      )}
      {next !== null && (
        <div class="card-foot">
          <Button onClick={() => load(next, new AbortController().signal)}>Show more</Button>
        </div>
      )}
      {question !== null && (
        <LetterDialog
          uplink={uplink}
          question={question}
          onClose={() => setQuestion(null)}
          onDone={(words) => {
            setOutcome(words)
            setTurn((before) => before + 1)
            setQuestion(null)
          }}
        />
      )}
    </Card>
  )
}

interface LetterRowProps {
  readonly letter: Letter
  readonly isAllowed: boolean
  readonly onAsk: (question: Question) => void
}

function LetterRow({ letter, isAllowed, onAsk }: LetterRowProps): JSX.Element {
  const { plant } = useServices()
  return (
    <tr>
      <HeadCell>
        {formatMoment(letter.time, plant.now.peek())}
        <span class="second-line">{letter.position}</span>
      </HeadCell>
      <Cell head="Record" isWide>
        {letter.sensor === null ? (
          (letter.message ?? letter.kind)
        ) : (
          <>
            <Link to={sensorPath(letter.sensor)}>{letter.sensor}</Link>
            {letter.kind === 'reading' ? ` = ${letter.value ?? 'no value'}` : ` ${letter.message ?? ''}`}
          </>
        )}
        <span class="second-line">{letter.kind}</span>
      </Cell>
      <Cell head="Reason" isWide>
        {letter.reason}
      </Cell>
      <Cell head="Tries" align="end">
        {formatCount(letter.attempts)}
        <span class="second-line">{formatMoment(letter.rejectedAt, plant.now.peek())}</span>
      </Cell>
      <Cell head="Actions" align="end" isWide>
        <div class="button-row">
          <Button
            onClick={() => onAsk({ what: 'retry', letter: letter.id })}
            disabled={!isAllowed}
            label={`Send again: ${letter.position}`}
          >
            Send again
          </Button>
          <Button
            kind="quiet"
            onClick={() => onAsk({ what: 'discard', letter: letter.id })}
            disabled={!isAllowed}
            label={`Discard: ${letter.position}`}
          >
            Discard
          </Button>
        </div>
      </Cell>
    </tr>
  )
}

interface LetterDialogProps {
  readonly uplink: Uplink
  readonly question: Question
  readonly onClose: () => void
  readonly onDone: (words: string) => void
}

function LetterDialog({ uplink, question, onClose, onDone }: LetterDialogProps): JSX.Element {
  const { api } = useServices()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const { what, letter } = question
  const isRetry = what === 'retry'
  const which = letter === null ? 'the oldest 1000 dead letters' : 'this dead letter'
  const act = async (): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      onDone(
        isRetry
          ? retriedWords(await retryLetters(api.http, uplink.id, letter))
          : `${counted(await discardLetters(api.http, uplink.id, letter), 'record')} discarded.`,
      )
    } catch (cause) {
      setError(errorMessage(cause))
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={isRetry ? `Send ${which} again?` : `Discard ${which}?`}
      action={isRetry ? 'Send again' : 'Discard'}
      onAction={() => void act()}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <p>
        {isRetry
          ? 'Each keeps its old position and time, so that the receiver can put it where it belongs. What is refused again is kept.'
          : 'They are gone then, and count as dropped in the ledger. This cannot be undone.'}
      </p>
    </Dialog>
  )
}

function retriedWords({ delivered, refused }: { readonly delivered: number; readonly refused: number }): string {
  if (refused === 0) return `${counted(delivered, 'record')} arrived.`
  return `${counted(delivered, 'record')} arrived, ${counted(refused, 'record')} refused again.`
}
