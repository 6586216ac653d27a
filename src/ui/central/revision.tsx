// What became of an offered configuration; its plan and text.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import { formatMoment } from '../format/time.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Facts, type Fact } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import { useCentral } from './services.ts'
import { PlanText, ProblemList } from './plan-text.tsx'
import type { Offer, OfferDetail } from './wire.ts'
import { OFFER_MEANINGS } from './words.ts'

export function Outcome({ offer }: { readonly offer: Offer }): JSX.Element {
  const now = useFrame().now.value
  const { by, comment, number, offeredAt, problems, reason, reportedAt, state } = offer
  const facts: readonly (Fact | null)[] = [
    { term: 'Offered', value: `${formatMoment(offeredAt, now)} by ${by}` },
    comment === null ? null : { term: 'Why', value: comment },
    reportedAt === null ? null : { term: 'The gateway told', value: formatMoment(reportedAt, now) },
    number === null ? null : { term: 'Its number at the gateway', value: String(number) },
  ]
  return (
    <>
      <div class="became" role="status">
        <p>{OFFER_MEANINGS[state]}</p>
        {reason !== null && <p class="became-reason">{reason}</p>}
        <ProblemList problems={problems} />
      </div>
      <Facts facts={facts.filter((fact) => fact !== null)} />
    </>
  )
}

interface RevisionDialogProps {
  readonly id: string
  readonly revision: string
  readonly onClose: () => void
}

export function RevisionDialog({ id, revision, onClose }: RevisionDialogProps): JSX.Element {
  const { api } = useCentral()
  const [detail, setDetail] = useState<OfferDetail | null>(null)
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    api.offer(id, revision).then(setDetail, (cause: unknown) => setError(errorMessage(cause)))
  }, [id, revision])
  return (
    <Dialog
      title={`${revision} for ${id}`}
      action="Done"
      dismiss="Close"
      onAction={onClose}
      onClose={onClose}
      error={error}
    >
      {detail !== null && (
        <>
          <h3>What it changes</h3>
          {detail.plan === null ? (
            <p class="quiet">The gateway has not told its plan.</p>
          ) : (
            <PlanText {...detail.plan} />
          )}
          <h3>Its text</h3>
          <pre class="code-block" tabIndex={0} aria-label="Text of the configuration">
            {detail.text}
          </pre>
        </>
      )}
    </Dialog>
  )
}
