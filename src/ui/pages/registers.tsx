// The registers of a Modbus device as they are: a block is read through the running device and shown in every type and byte order,
// so that the right one can be seen, and taken as YAML for a sensor.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { readBlock, type BlockResult, type Table as RegisterTable } from '../client/device-asks.ts'
import { errorMessage } from '../client/http.ts'
import { manualNumber, registersText } from '../format/register-values.ts'
import { formatMilliseconds, formatMoment } from '../format/time.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link } from '../parts/button.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { ErrorText, Field, Select } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { devicePath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { RegisterTypes } from './registers-types.tsx'

const TABLES = [
  { key: 'holding', text: 'Holding registers (4xxxx)' },
  { key: 'input', text: 'Input registers (3xxxx)' },
  { key: 'coil', text: 'Coils (0xxxx)' },
  { key: 'discrete', text: 'Discrete inputs (1xxxx)' },
] as const
const MOST = { holding: 125, input: 125, coil: 2000, discrete: 2000 } as const

export function RegistersPage({ id }: { readonly id: string }): JSX.Element {
  const { plant, api, router } = useServices()
  const query = new URLSearchParams(router.query.value)
  const [register, setRegister] = useState<RegisterTable>(
    () => TABLES.find(({ key }) => key === query.get('register'))?.key ?? 'holding',
  )
  const [address, setAddress] = useState(query.get('address') ?? '0')
  const [count, setCount] = useState(query.get('count') ?? '16')
  const [unit, setUnit] = useState(query.get('unit') ?? '')
  const [block, setBlock] = useState<BlockResult | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const device = plant.devices.value.find((other) => other.id === id)
  const isAllowed = plant.may('engineer')
  const read = async (): Promise<void> => {
    const numbers = { address: whole(address, 0, 65_535), count: whole(count, 1, MOST[register]) }
    const asked = unit.trim() === '' ? null : whole(unit, 0, 255)
    if (numbers.address === undefined) return setError('The address is a whole number from 0 to 65535.')
    if (numbers.count === undefined) return setError(`The number is from 1 to ${MOST[register]}.`)
    if (asked === undefined) return setError('The unit is a whole number from 0 to 255.')
    setBusy(true)
    setError(null)
    router.setQuery({ register, address, count, unit: unit.trim() })
    try {
      setBlock(await readBlock(api.http, id, { register, address: numbers.address, count: numbers.count, unit: asked }))
    } catch (cause) {
      setError(errorMessage(cause))
    }
    setBusy(false)
  }
  const trail = (
    <>
      <Link to="/devices">Devices</Link>
      <Link to={devicePath(id)}>{id}</Link>
    </>
  )
  if (device?.driver !== 'modbus')
    return (
      <Page title="Registers" trail={trail}>
        <EmptyState title="Only Modbus devices have registers" icon="devices">
          <p>{device === undefined ? `This gateway has no device ${id}.` : `${id} is read by ${device.driver}.`}</p>
        </EmptyState>
      </Page>
    )
  return (
    <Page
      title="Registers"
      trail={trail}
      lead={<p>Read as they are, through the running device. Nothing is written.</p>}
    >
      <Card title="Which ones">
        <form
          class="filter-form"
          onSubmit={(event) => {
            event.preventDefault()
            void read()
          }}
        >
          <Select label="Area" value={register} options={TABLES} onChoose={setRegister} />
          <Field label="First address (0-based)" value={address} onInput={setAddress} inputMode="numeric" />
          <Field label="How many" value={count} onInput={setCount} inputMode="numeric" />
          <Field label="Unit (empty: its own)" value={unit} onInput={setUnit} inputMode="numeric" />
          <Button type="submit" kind="primary" disabled={isBusy || !isAllowed}>
            {isBusy ? 'Reading…' : 'Read'}
          </Button>
        </form>
        <ErrorText text={error} />
        <p class="quiet" role="status">
          {!isAllowed
            ? 'Registers are read by engineers.'
            : block === null
              ? `${manualNumber(register, whole(address, 0, 65_535) ?? 0)} in the numbers of manuals.`
              : `${block.count} read at ${formatMoment(block.time, plant.now.peek())} in ${formatMilliseconds(block.milliseconds)}.`}
        </p>
      </Card>
      {block !== null &&
        (block.register === 'coil' || block.register === 'discrete' ? (
          <Bits block={block} />
        ) : (
          <Words key={`${block.register} ${block.address}`} block={block} />
        ))}
    </Page>
  )
}

function whole(text: string, low: number, high: number): number | undefined {
  const value = /^\s*\d{1,5}\s*$/.test(text) ? Number(text) : Number.NaN
  return value >= low && value <= high ? value : undefined
}

function Bits({ block }: { readonly block: BlockResult }): JSX.Element {
  return (
    <Card title="Bits">
      <ul class="bits">
        {block.values.map((bit, index) => (
          <li key={index} class={bit === 1 ? 'is-on' : undefined}>
            <span class="quiet">{block.address + index}</span> {bit === 1 ? 'On' : 'Off'}
          </li>
        ))}
      </ul>
    </Card>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'address', head: 'Address' },
  { key: 'hex', head: 'Hex', align: 'end' },
  { key: 'unsigned', head: 'uint16', align: 'end' },
  { key: 'text', head: 'Text', align: 'end' },
  { key: 'bits', head: 'Bits', align: 'end' },
]

function Words({ block }: { readonly block: BlockResult }): JSX.Element {
  const [at, setAt] = useState(0)
  const last = block.values.length - 1
  useEffect(() => setAt((before) => Math.min(before, last)), [last])
  return (
    <div class="registers">
      <Card title="Block">
        <Table caption="Registers of the block" kind="registers" columns={COLUMNS}>
          {block.values.map((word, index) => (
            <tr key={index} class={index === at ? 'is-chosen' : undefined}>
              <HeadCell>
                <button
                  type="button"
                  class="address"
                  aria-pressed={index === at}
                  onClick={() => setAt(index)}
                  title={`${manualNumber(block.register, block.address + index)} in the numbers of manuals`}
                >
                  {block.address + index}
                </button>
              </HeadCell>
              <Cell head="Hex" align="end">
                <code>{word.toString(16).padStart(4, '0')}</code>
              </Cell>
              <Cell head="uint16" align="end">
                {word}
              </Cell>
              <Cell head="Text" align="end">
                <code>{registersText([word], false)}</code>
              </Cell>
              <Cell head="Bits" align="end">
                <code>
                  {word
                    .toString(2)
                    .padStart(16, '0')
                    .replace(/.{4}(?=.)/g, '$& ')}
                </code>
              </Cell>
            </tr>
          ))}
        </Table>
      </Card>
      <RegisterTypes block={block} at={at} onAt={setAt} />
    </div>
  )
}
