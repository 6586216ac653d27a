// Which of the values that were found are wanted, how each is to be read, and what they are called.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { JsonValue } from '../client/wire.ts'
import { formatShort } from '../format/number.ts'
import { counted } from '../format/words.ts'
import { Button } from '../parts/button.tsx'
import { Field, Select } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import {
  changedRow,
  coveredRows,
  placeOf,
  readingWords,
  valueOf,
  wantedRows,
  type DeviceForm,
  type SensorRow,
} from '../set-up/device-form.ts'

interface AddSensorsProps {
  readonly form: DeviceForm
  readonly onForm: (form: DeviceForm) => void
}

const POLLS = [
  { key: '', text: 'Each second (usual)' },
  { key: '200ms', text: 'Five times a second' },
  { key: '5s', text: 'Every 5 seconds' },
  { key: '30s', text: 'Every 30 seconds' },
  { key: '5m', text: 'Every 5 minutes' },
] as const

const COLUMNS: readonly Column[] = [
  { key: 'place', head: 'Where' },
  { key: 'value', head: 'Reads now', align: 'end' },
  { key: 'type', head: 'Read as' },
  { key: 'id', head: 'Name of the sensor' },
  { key: 'unit', head: 'Unit' },
]

const SHOWN = 100

export function AddSensors({ form, onForm }: AddSensorsProps): JSX.Element {
  const [filter, setFilter] = useState('')
  const wanted = filter.trim().toLowerCase()
  const matching = form.rows.filter((row) => `${placeOf(row)} ${row.id}`.toLowerCase().includes(wanted))
  const shown = matching.slice(0, SHOWN)
  const covered = coveredRows(form.rows)
  const isPolled = form.config['driver'] === 'modbus'
  const chooseShown = (isWanted: boolean): void => {
    const indices = new Set(shown.map(({ index }) => index))
    onForm({ ...form, rows: form.rows.map((row) => (indices.has(row.index) ? { ...row, isWanted } : row)) })
  }
  return (
    <>
      <div class="filter-form">
        <Field label="Id of the device" value={form.id} onInput={(id) => onForm({ ...form, id })} maxLength={64} />
        <Field
          label="Machine (empty: its id)"
          value={form.machine}
          onInput={(machine) => onForm({ ...form, machine })}
          maxLength={128}
        />
        {isPolled && (
          <Select
            label="It is asked"
            value={form.poll}
            options={POLLS}
            onChoose={(poll) => onForm({ ...form, poll })}
          />
        )}
        {form.rows.length > 10 && <Field label="Show only" value={filter} onInput={setFilter} />}
      </div>
      <Table caption="Values that were found" kind="pick" columns={COLUMNS}>
        {shown.map((row) => (
          <Row
            key={row.index}
            row={row}
            isCovered={covered.has(row.index)}
            onRow={(change) => onForm(changedRow(form, row.index, change))}
          />
        ))}
      </Table>
      <div class="card-foot button-row">
        <span class="quiet" role="status">
          {counted(wantedRows(form).length, 'sensor')} chosen of {form.rows.length}
          {matching.length > shown.length && `; the first ${SHOWN} of ${matching.length} are shown`}
        </span>
        <Button onClick={() => chooseShown(true)}>Choose all{wanted !== '' && ' shown'}</Button>
        <Button onClick={() => chooseShown(false)}>Choose none{wanted !== '' && ' shown'}</Button>
      </div>
    </>
  )
}

interface RowProps {
  readonly row: SensorRow
  /** It belongs to the value of the row before. */
  readonly isCovered: boolean
  readonly onRow: (change: Partial<SensorRow>) => void
}

function Row({ row, isCovered, onRow }: RowProps): JSX.Element {
  const place = placeOf(row)
  const { suggested } = row
  const isOn = row.isWanted && !isCovered
  return (
    <tr class={isOn ? 'is-chosen' : undefined}>
      <HeadCell>
        <label class="pick">
          <input
            type="checkbox"
            checked={isOn}
            disabled={isCovered}
            onChange={(event) => onRow({ isWanted: event.currentTarget.checked })}
          />
          <span class="breakable">{place}</span>
        </label>
      </HeadCell>
      <Cell head="Reads now" align="end">
        {isCovered ? <span class="quiet">second half of the one above</span> : valueText(valueOf(row))}
      </Cell>
      <Cell head="Read as">
        {suggested.alternatives.length === 0 || isCovered ? (
          <span class="quiet">{isCovered ? '' : readingWords(suggested, null)}</span>
        ) : (
          <select
            class="cell-input"
            aria-label={`Read ${place} as`}
            value={String(row.reading ?? '')}
            onChange={(event) => {
              const { value } = event.currentTarget
              onRow({ reading: value === '' ? null : Number(value), isWanted: true })
            }}
          >
            <option value="">
              {readingWords(suggested, null)}: {valueText(suggested.value)}
            </option>
            {suggested.alternatives.map((alternative, index) => (
              <option key={index} value={String(index)}>
                {readingWords(suggested, index)}: {valueText(alternative.value)}
              </option>
            ))}
          </select>
        )}
      </Cell>
      <Cell head="Name of the sensor">
        {isOn ? (
          <CellInput label={`Name of ${place}`} value={row.id} onInput={(id) => onRow({ id })} />
        ) : (
          <span class="quiet breakable">{isCovered ? '' : row.id}</span>
        )}
      </Cell>
      <Cell head="Unit">
        {isOn ? (
          <CellInput label={`Unit of ${place}`} value={row.unit} onInput={(unit) => onRow({ unit })} isShort />
        ) : (
          <span class="quiet">{isCovered ? '' : row.unit}</span>
        )}
      </Cell>
    </tr>
  )
}

interface CellInputProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly isShort?: boolean
}

function CellInput({ label, value, onInput, isShort = false }: CellInputProps): JSX.Element {
  return (
    <input
      class={`cell-input${isShort ? ' is-short' : ''}`}
      type="text"
      aria-label={label}
      autocomplete="off"
      spellcheck={false}
      maxLength={64}
      value={value}
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  )
}

function valueText(value: JsonValue): string {
  if (value === null) return '–'
  if (typeof value === 'boolean') return value ? 'On' : 'Off'
  return typeof value === 'number' ? formatShort(value) : value
}
