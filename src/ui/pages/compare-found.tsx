// What limits and detectors found at the compared sensors in the range, newest first: what the lanes above the chart show.

import type { JSX } from 'preact'
import { formatDuration, formatMoment } from '../format/time.ts'
import { sensorName, unparted } from '../format/words.ts'
import { SeverityMark } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import type { LiveSensor } from '../state/live-sensor.ts'
import { useServices } from '../state/services.ts'
import { SeriesSample } from './compare-sample.tsx'
import type { Compared } from './use-compared.ts'

const COLUMNS: readonly Column[] = [
  { key: 'sensor', head: 'Sensor' },
  { key: 'priority', head: 'Priority', isNarrow: true },
  { key: 'what', head: 'What' },
  { key: 'raised', head: 'Raised', align: 'end', isNarrow: true },
  { key: 'lasted', head: 'Lasted', align: 'end', isNarrow: true },
]

const SHOWN = 20

interface ComparedFoundProps {
  readonly sensors: readonly LiveSensor[]
  readonly letters: string
  readonly compared: Compared
}

export function ComparedFound({ sensors, letters, compared }: ComparedFoundProps): JSX.Element | null {
  const { plant } = useServices()
  const now = plant.now.peek()
  const all = sensors
    .flatMap(({ sensor }, index) =>
      (compared.occurrences.get(sensor.id) ?? []).map((alarm) => ({ alarm, sensor, index, letter: letters[index]! })),
    )
    .sort((a, b) => b.alarm.raisedAt - a.alarm.raisedAt)
  if (all.length === 0) return <p class="quiet compared-found">No alarms or anomalies in this range.</p>
  return (
    <div class="compared-found">
      <h3>Alarms and anomalies in this range</h3>
      <Table caption="Alarms and anomalies of the compared sensors" columns={COLUMNS}>
        {all.slice(0, SHOWN).map(({ alarm, sensor, index, letter }) => (
          <tr key={`${alarm.id} ${alarm.raisedAt}`}>
            <HeadCell>
              <SeriesSample index={index} letter={letter} /> {sensorName(sensor)}
            </HeadCell>
            <Cell head="Priority">
              <SeverityMark severity={alarm.severity} isHollow={!alarm.active} />
            </Cell>
            <Cell head="What" isWide>
              {unparted(alarm.message)}
            </Cell>
            <Cell head="Raised" align="end">
              {formatMoment(alarm.raisedAt, now)}
            </Cell>
            <Cell head="Lasted" align="end">
              {alarm.clearedAt === null ? 'active' : formatDuration(alarm.clearedAt - alarm.raisedAt)}
            </Cell>
          </tr>
        ))}
      </Table>
      {all.length > SHOWN && <p class="quiet">and {all.length - SHOWN} older ones.</p>}
    </div>
  )
}
