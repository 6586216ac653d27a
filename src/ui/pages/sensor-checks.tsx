// What the checks of a sensor are doing, and taking one out of service, whether it has an alarm or not.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { decodeAlarm } from '../client/decode.ts'
import { Fields } from '../client/fields.ts'
import type { GatewayApi } from '../client/gateway-api.ts'
import { isAborted } from '../client/http.ts'
import type { Alarm } from '../client/wire.ts'
import { formatCount } from '../format/number.ts'
import { formatMoment } from '../format/time.ts'
import { LEVEL_WORDS, nameFromId } from '../format/words.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import type { LiveSensor } from '../state/live-sensor.ts'
import { useServices } from '../state/services.ts'
import { useAlarmCommand } from './alarm-dialogs.tsx'
import { ServiceEnd, serviceDuration, type ServiceUntil } from './alarm-service-end.tsx'

interface Check {
  readonly id: string
  readonly type: string
  readonly learning: { readonly seen: number; readonly needed: number } | null
  readonly level: string | null
  readonly isPending: boolean
  readonly isOutOfService: boolean
}

const RELOAD_MS = 10_000
const COLUMNS: readonly Column[] = [
  { key: 'check', head: 'Check' },
  { key: 'state', head: 'State' },
  { key: 'do', head: 'Actions', align: 'end', isNarrow: true },
]

export function SensorChecks({ live }: { readonly live: LiveSensor }): JSX.Element | null {
  const { api, plant } = useServices()
  const [checks, setChecks] = useState<readonly Check[]>([])
  const [asked, setAsked] = useState<Check | null>(null)
  const turn = Math.floor(plant.now.value / RELOAD_MS)
  // Alarms of the sensor tell when the state of a check has changed.
  const changes = plant.alarms.value
  const { id } = live.sensor
  useEffect(() => {
    const abort = new AbortController()
    loadChecks(api, id, abort.signal).then(setChecks, (cause: unknown) => {
      if (!isAborted(cause)) setChecks([]) // the page says elsewhere that the gateway does not answer
    })
    return () => abort.abort()
  }, [id, turn, changes])
  if (checks.length === 0) return null
  const alarmOf = (check: Check): Alarm | undefined =>
    [...changes.values()].find((alarm) => alarm.sensor === id && alarm.check === check.id)
  return (
    <Card title="Checks">
      <Table caption={`Checks of ${id}`} columns={COLUMNS}>
        {checks.map((check) => (
          <tr key={check.id}>
            <HeadCell>
              {nameFromId(check.id)}
              {check.type !== check.id && <span class="second-line">{check.type}</span>}
            </HeadCell>
            <Cell head="State">{checkState(check, alarmOf(check)?.outOfServiceUntil ?? null, plant.now.value)}</Cell>
            <Cell head="Actions" align="end">
              <Button
                kind="quiet"
                onClick={() => setAsked(check)}
                disabled={!plant.may('operator')}
                label={`${check.isOutOfService ? 'Return to service' : 'Take out of service'}: ${check.id}`}
              >
                {check.isOutOfService ? 'Return to service' : 'Take out of service'}
              </Button>
            </Cell>
          </tr>
        ))}
      </Table>
      {asked !== null && <CheckDialog sensor={id} check={asked} onClose={() => setAsked(null)} />}
    </Card>
  )
}

function checkState(check: Check, until: number | null, now: number): string {
  if (check.isOutOfService)
    return until === null ? 'Out of service until it is returned' : `Out of service until ${formatMoment(until, now)}`
  if (check.learning !== null)
    return `Learning: ${formatCount(check.learning.seen)} of ${formatCount(check.learning.needed)} readings`
  const level = check.level === null ? null : (LEVEL_WORDS[check.level as keyof typeof LEVEL_WORDS] ?? check.level)
  if (level !== null) return `Alarm: ${level.toLowerCase()}`
  return check.isPending ? 'Its delay is running' : 'Watching'
}

interface CheckDialogProps {
  readonly sensor: string
  readonly check: Check
  readonly onClose: () => void
}

function CheckDialog({ sensor, check, onClose }: CheckDialogProps): JSX.Element {
  const { api, plant } = useServices()
  const [until, setUntil] = useState<ServiceUntil>({ key: '8h', time: '' })
  const [comment, setComment] = useState('')
  const { isBusy, error, run, fail } = useAlarmCommand(onClose)
  const isReturn = check.isOutOfService
  const act = (): void => {
    const duration = isReturn ? null : serviceDuration(until, plant.now.peek())
    if (duration === undefined) return fail('Give a time in the future.')
    const body = {
      ...(duration !== null && { duration }),
      ...(comment.trim() !== '' && { comment: comment.trim() }),
    }
    const path = `/sensors/${encodeURIComponent(sensor)}/checks/${encodeURIComponent(check.id)}`
    run(async () =>
      decodeAlarm(
        await api.http.request(`${path}/${isReturn ? 'in-service' : 'out-of-service'}`, { method: 'POST', body }),
      ),
    )
  }
  const words = isReturn ? 'Return to service' : 'Take out of service'
  return (
    <Dialog title={words} action={words} onAction={act} onClose={onClose} isBusy={isBusy} error={error}>
      <p>
        <strong>
          {nameFromId(check.id)} of {sensor}
        </strong>
      </p>
      <p>
        {isReturn
          ? 'Alarms of this check are shown again from now on.'
          : 'For maintenance: the check goes on, but its alarms are kept without being shown, counted or announced.'}
      </p>
      {!isReturn && <ServiceEnd until={until} onUntil={setUntil} />}
      <Field label="Reason (optional)" value={comment} onInput={setComment} maxLength={500} />
    </Dialog>
  )
}

async function loadChecks(api: GatewayApi, sensor: string, signal: AbortSignal): Promise<readonly Check[]> {
  const source = await api.http.request(`/sensors/${encodeURIComponent(sensor)}`, { signal })
  return new Fields(source, 'sensor').list('checks', (item) => {
    const f = new Fields(item, 'check')
    const learning = f.objectOrNull('learning')
    return {
      id: f.text('id'),
      type: f.text('type'),
      learning: learning === null ? null : { seen: learning.number('seen'), needed: learning.number('needed') },
      level: f.textOrNull('level'),
      isPending: f.flag('pending'),
      isOutOfService: f.flag('outOfService'),
    }
  })
}
