// What was heard on a serial port at each speed, and how a line of it is to be read.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { SuggestedDevice } from '../client/scan.ts'
import { formatNumber } from '../format/number.ts'
import { Button } from '../parts/button.tsx'
import { Choice } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { lineReadings, readBy } from '../set-up/serial-lines.ts'
import type { ScanDesk } from './use-scan.ts'

const COLUMNS: readonly Column[] = [
  { key: 'rate', head: 'Speed', isNarrow: true },
  { key: 'bytes', head: 'Bytes', align: 'end', isNarrow: true },
  { key: 'printable', head: 'Readable', align: 'end', isNarrow: true },
  { key: 'sample', head: 'For example' },
]

interface SerialLinesProps {
  readonly desk: ScanDesk
  readonly onFound: (device: SuggestedDevice) => void
}

export function SerialLines({ desk, onFound }: SerialLinesProps): JSX.Element {
  const device = desk.devices[0]
  return (
    <>
      <Table caption="What was heard" columns={COLUMNS}>
        {desk.heard
          .filter(({ bytes }) => bytes > 0)
          .map(({ baudRate, bytes, printable, sample }) => (
            <tr key={baudRate}>
              <HeadCell>{baudRate} baud</HeadCell>
              <Cell head="Bytes" align="end">
                {bytes}
              </Cell>
              <Cell head="Readable" align="end">
                {formatNumber(printable * 100, 0)} %
              </Cell>
              <Cell head="For example" isWide>
                <code class="breakable">{sample}</code>
              </Cell>
            </tr>
          ))}
      </Table>
      {device !== undefined && <Reading device={device} onFound={onFound} />}
    </>
  )
}

function Reading({
  device,
  onFound,
}: {
  readonly device: SuggestedDevice
  readonly onFound: (device: SuggestedDevice) => void
}): JSX.Element {
  const [chosen, setChosen] = useState('0')
  const readings = lineReadings(String(device.sensors[0]?.value ?? ''))
  const options = readings.map(({ words }, index) => ({ key: String(index), text: words }))
  return (
    <>
      <Choice label="How is a line to be read?" value={chosen} options={options} onChoose={setChosen} />
      <div class="card-foot">
        <Button icon="add" onClick={() => onFound(readBy(device, readings[Number(chosen)]!))}>
          Take it
        </Button>
      </div>
    </>
  )
}
