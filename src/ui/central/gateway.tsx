// One gateway: how it is, the configuration that was offered last and what became of it, earlier ones, and offering another.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { formatAge, formatFull, formatMoment } from '../format/time.ts'
import { Button, Link } from '../parts/button.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { Cell, Facts, HeadCell, Table, type Column } from '../parts/table.tsx'
import { stateWords } from './fleet.tsx'
import { OfferForm } from './offer-form.tsx'
import { RevisionDialog, Outcome } from './revision.tsx'
import { useFrame } from '../state/frame.ts'
import { useCentral } from './services.ts'
import { LostNotice, Page, useMay, WordsBadge } from './shell.tsx'
import { usePoll } from './use-poll.ts'
import type { FleetGateway, Offer } from './wire.ts'
import { backlogWords, clockWords, OFFER_WORDS } from './words.ts'

export function GatewayPage({ id }: { readonly id: string }): JSX.Element {
  const { api } = useCentral()
  const [shown, setShown] = useState<string | null>(null)
  const mayChange = useMay('engineer')
  const { value, error, refresh } = usePoll(async () => {
    const [gateway, offers] = await Promise.all([api.gateway(id), api.offers(id)])
    return { gateway, offers }
  }, id)
  const trail = (
    <>
      <Link to="/">Fleet</Link>
      <span>{id}</span>
    </>
  )
  const onShow = mayChange ? setShown : null
  return (
    <Page title={id} trail={trail} lead={value !== null && <p>{value.gateway.factory}</p>}>
      <LostNotice error={error} isStale={value !== null} />
      {value !== null && (
        <>
          <div class="columns columns-pair">
            <GatewayFacts gateway={value.gateway} />
            <Configuration offer={value.offers[0] ?? null} onShow={onShow} />
          </div>
          {mayChange && (
            <OfferForm gateway={value.gateway} last={value.offers[0]?.revision ?? null} onOffered={refresh} />
          )}
          {value.offers.length > 1 && <Earlier offers={value.offers.slice(1)} onShow={onShow} />}
        </>
      )}
      {shown !== null && <RevisionDialog id={id} revision={shown} onClose={() => setShown(null)} />}
    </Page>
  )
}

function GatewayFacts({ gateway }: { readonly gateway: FleetGateway }): JSX.Element {
  const now = useFrame().now.value
  const { asked, epoch, recordAt, registeredAt, seenAt, sensors, version } = gateway
  return (
    <Card title="How it is" aside={<WordsBadge words={stateWords(gateway)} />}>
      <Facts
        facts={[
          { term: 'Last seen', value: <time title={formatFull(seenAt)}>{formatAge(now - seenAt)}</time> },
          { term: 'Last new record', value: recordAt === null ? 'None yet' : formatAge(now - recordAt) },
          { term: 'Backlog', value: <WordsBadge words={backlogWords(gateway)} /> },
          { term: 'Clock, against this central', value: <WordsBadge words={clockWords(gateway.clockOffsetMs)} /> },
          {
            term: 'Asked for a configuration',
            value: asked === null ? 'Never: it takes none from here' : formatAge(now - asked.at),
          },
          { term: 'Sensors', value: String(sensors) },
          { term: 'Version', value: version },
          { term: 'Starts', value: String(epoch) },
          { term: 'First registered', value: formatMoment(registeredAt, now) },
        ]}
      />
    </Card>
  )
}

type Show = ((revision: string) => void) | null

function Configuration({ offer, onShow }: { readonly offer: Offer | null; readonly onShow: Show }): JSX.Element {
  if (offer === null)
    return (
      <Card title="Configuration">
        <EmptyState title="Nothing was offered yet" icon="system">
          <p>
            The gateway runs what stands in its own <code>gateway.yaml</code>. It takes an offer if that says{' '}
            <code>configuration: {'{ accept: true }'}</code> at the uplink.
          </p>
        </EmptyState>
      </Card>
    )
  return (
    <Card title={`Configuration ${offer.revision}`} aside={<WordsBadge words={OFFER_WORDS[offer.state]} />}>
      <Outcome offer={offer} />
      {onShow !== null && (
        <div class="card-foot">
          <Button onClick={() => onShow(offer.revision)} label={`Show plan and text of ${offer.revision}`}>
            Show plan and text
          </Button>
        </div>
      )}
    </Card>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'revision', head: 'Revision' },
  { key: 'state', head: 'Became' },
  { key: 'offered', head: 'Offered' },
  { key: 'comment', head: 'Why' },
  { key: 'do', head: 'Do', align: 'end', isNarrow: true },
]

function Earlier({ offers, onShow }: { readonly offers: readonly Offer[]; readonly onShow: Show }): JSX.Element {
  const now = useFrame().now.value
  return (
    <Card title="Earlier offers">
      <Table caption="Earlier offers" columns={onShow === null ? COLUMNS.slice(0, -1) : COLUMNS}>
        {offers.map((offer) => (
          <tr key={offer.revision}>
            <HeadCell>{offer.revision}</HeadCell>
            <Cell head="Became">
              <WordsBadge words={OFFER_WORDS[offer.state]} />
              {offer.reason !== null && <span class="second-line">{offer.reason}</span>}
            </Cell>
            <Cell head="Offered">
              {formatMoment(offer.offeredAt, now)}
              <span class="second-line">by {offer.by}</span>
            </Cell>
            <Cell head="Why">{offer.comment}</Cell>
            {onShow !== null && (
              <Cell head="Do" align="end">
                <Button onClick={() => onShow(offer.revision)} label={`Show ${offer.revision}`}>
                  Show
                </Button>
              </Cell>
            )}
          </tr>
        ))}
      </Table>
    </Card>
  )
}
