// What stands from one register on, in every type and byte order; where a known value stands; and the chosen one as YAML.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { BlockResult } from '../client/device-asks.ts'
import {
  findValue,
  isPlausible,
  NUMBER_TYPES,
  numberText,
  ORDERS,
  ordersOf,
  readNumber,
  registersText,
  sensorYaml,
  type NumberType,
  type Order,
} from '../format/register-values.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Field } from '../parts/field.tsx'

interface Chosen {
  readonly index: number
  readonly type: NumberType
  readonly order: Order
  readonly factor: number
}

interface RegisterTypesProps {
  readonly block: BlockResult
  /** Index of the first register within the block. */
  readonly at: number
  readonly onAt: (index: number) => void
}

export function RegisterTypes({ block, at, onAt }: RegisterTypesProps): JSX.Element {
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const isHere = (type: NumberType, order: Order): boolean =>
    chosen !== null && chosen.index === at && chosen.type === type && chosen.order === order
  return (
    <div class="stack">
      <Card title={`From address ${block.address + at}`}>
        <div class="scroll" tabIndex={0} role="region" aria-label="The value in every type and byte order">
          <table class="types">
            <caption class="sr-only">Every type and byte order from address {block.address + at}</caption>
            <thead>
              <tr>
                <th scope="col">Type</th>
                {ORDERS.map((order) => (
                  <th key={order} scope="col">
                    {order}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {NUMBER_TYPES.map((type) => (
                <tr key={type}>
                  <th scope="row">{type}</th>
                  {ORDERS.map((order) => (
                    <td key={order}>
                      {ordersOf(type).includes(order) && (
                        <TypeCell
                          value={readNumber(block.values, at, type, order)}
                          type={type}
                          order={order}
                          isChosen={isHere(type, order)}
                          onChoose={() => setChosen({ index: at, type, order, factor: 1 })}
                        />
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p class="quiet">
          Text from here: <code>{registersText(block.values.slice(at, at + 16), false)}</code>
          <br />
          Bytes swapped: <code>{registersText(block.values.slice(at, at + 16), true)}</code>
        </p>
      </Card>
      <FindValue
        block={block}
        onFound={(match) => {
          onAt(match.index)
          setChosen(match)
        }}
      />
      {chosen !== null && <Yaml block={block} chosen={chosen} />}
    </div>
  )
}

interface TypeCellProps {
  readonly value: number | bigint | null
  readonly type: NumberType
  readonly order: Order
  readonly isChosen: boolean
  readonly onChoose: () => void
}

function TypeCell({ value, type, order, isChosen, onChoose }: TypeCellProps): JSX.Element {
  if (value === null) return <span class="quiet">–</span>
  return (
    <button
      type="button"
      class={isPlausible(value, type) ? undefined : 'is-unlikely'}
      aria-pressed={isChosen}
      aria-label={`${numberText(value, type)}, ${type} ${order}${isPlausible(value, type) ? '' : ', unlikely'}`}
      onClick={onChoose}
    >
      {numberText(value, type)}
    </button>
  )
}

interface FindValueProps {
  readonly block: BlockResult
  readonly onFound: (chosen: Chosen) => void
}

function FindValue({ block, onFound }: FindValueProps): JSX.Element {
  const [text, setText] = useState('')
  const wanted = text.trim() === '' ? Number.NaN : Number(text)
  const matches = Number.isFinite(wanted) ? findValue(block.values, wanted) : []
  return (
    <Card title="Find a value">
      <Field
        label="Value on the display of the device"
        value={text}
        onInput={setText}
        inputMode="decimal"
        hint="Looked for in the whole block, in every type and order, also without its decimal sign."
      />
      {Number.isFinite(wanted) && matches.length === 0 && <p class="quiet">It is nowhere in this block.</p>}
      <ul class="matches">
        {matches.map(({ index, type, order, factor, value }) => (
          <li key={`${index} ${type} ${order} ${factor}`}>
            <Button kind="quiet" onClick={() => onFound({ index, type, order, factor })}>
              {block.address + index}: {type} {order}
              {factor === 1 ? '' : ` × ${factor}`} ={' '}
              {numberText(factor === 1 ? value : Number(value) * factor, 'float32')}
            </Button>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Yaml({ block, chosen }: { readonly block: BlockResult; readonly chosen: Chosen }): JSX.Element {
  const [copied, setCopied] = useState('')
  const yaml = sensorYaml({ ...chosen, register: block.register, address: block.address + chosen.index })
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(yaml)
      setCopied(yaml)
    } catch {
      setCopied('') // without a secure connection a page may not: the text can be marked by hand
    }
  }
  return (
    <Card title="Sensor for gateway.yaml">
      <pre class="yaml">
        <code>{yaml}</code>
      </pre>
      <div class="card-foot button-row">
        <span class="quiet" role="status">
          {copied === yaml ? 'Copied.' : 'Give it a better id, and a unit.'}
        </span>
        <Button onClick={() => void copy()}>Copy</Button>
      </div>
    </Card>
  )
}
