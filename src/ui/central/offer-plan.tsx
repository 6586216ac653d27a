// What an offer would change, as the gateway says it, before anything is offered.

import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { formatAge } from '../format/time.ts'
import { listed } from '../format/words.ts'
import { Notice } from '../parts/card.tsx'
import { useFrame } from '../state/frame.ts'
import { PlanText, ProblemList } from './plan-text.tsx'
import type { FleetGateway, PlanQuestion, Problem } from './wire.ts'

interface OfferPlanProps {
  readonly gateway: FleetGateway
  readonly question: PlanQuestion
  readonly onJump: (problem: Problem) => void
}

export function OfferPlan({ gateway, question, onJump }: OfferPlanProps): JSX.Element {
  const root = useRef<HTMLDivElement>(null)
  const { state } = question
  useEffect(() => root.current?.scrollIntoView({ block: 'nearest' }), [state])
  return (
    <div class="planned" role="status" ref={root}>
      {state === 'waiting' ? (
        <Waiting gateway={gateway} />
      ) : state === 'overdue' ? (
        <p>{gateway.id} has not answered for an hour, and is no longer asked.</p>
      ) : state === 'refused' ? (
        <Refused question={question} onJump={onJump} />
      ) : (
        <Planned question={question} />
      )}
    </div>
  )
}

function Waiting({ gateway: { asked, id } }: { readonly gateway: FleetGateway }): JSX.Element {
  const now = useFrame().now.value
  return (
    <p>
      {id} says what would change when it next asks: usually within 30 seconds
      {asked !== null && `; it last asked ${formatAge(now - asked.at)}`}. Nothing is changed by that.
    </p>
  )
}

function Refused({ question: { problems, reason }, onJump }: Omit<OfferPlanProps, 'gateway'>): JSX.Element {
  return (
    <>
      <h3>It would be refused</h3>
      {reason !== null && problems.length === 0 && <p>{reason}</p>}
      <ProblemList problems={problems} onJump={onJump} />
    </>
  )
}

function Planned({ question: { lines, needsRestart, summary } }: { readonly question: PlanQuestion }): JSX.Element {
  return (
    <>
      <h3>What would change</h3>
      {needsRestart.length > 0 && (
        <Notice icon="bad" tone="data">
          <strong>This cannot be applied while the gateway runs.</strong> {listed(needsRestart)} is taken up at a
          restart only: change the file on the gateway and restart it, or leave that key as it is.
        </Notice>
      )}
      <PlanText summary={summary} lines={lines} />
    </>
  )
}
