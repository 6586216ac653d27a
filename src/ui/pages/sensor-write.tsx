// Writing a value in two steps: enter, then confirm what will happen. Then the device's own answer is shown.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import type { JsonValue, WriteResult } from '../client/wire.ts'
import { formatExact } from '../format/number.ts'
import { parseValue } from '../format/parse-value.ts'
import { displayUnit, sensorName } from '../format/words.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Choice, Field } from '../parts/field.tsx'
import type { LiveSensor } from '../state/live-sensor.ts'
import { useServices } from '../state/services.ts'

type Step =
  | { readonly at: 'enter' }
  | { readonly at: 'confirm'; readonly value: JsonValue }
  | { readonly at: 'done'; readonly result: WriteResult }

interface WriteDialogProps {
  readonly live: LiveSensor
  readonly onClose: () => void
}

export function WriteDialog({ live, onClose }: WriteDialogProps): JSX.Element {
  const { api } = useServices()
  const { sensor } = live
  const [step, setStep] = useState<Step>({ at: 'enter' })
  const [text, setText] = useState(() => startText(live.latest.peek().value))
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const unit = displayUnit(sensor.unit)
  const write = (value: JsonValue): string => `${formatExact(value, sensor.type)} ${unit}`.trim()

  const review = (): void => {
    const parsed = parseValue(text, sensor.type)
    setError(parsed.ok ? null : parsed.problem)
    if (parsed.ok) setStep({ at: 'confirm', value: parsed.value })
  }
  const send = async (value: JsonValue): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      setStep({ at: 'done', result: await api.write(sensor.id, value) })
    } catch (cause) {
      setError(errorMessage(cause))
    }
    setBusy(false)
  }
  if (step.at === 'done') {
    const { value, requested } = step.result
    const isSame = value === requested
    return (
      <Dialog
        title={isSame ? 'Value written' : 'The device kept another value'}
        action="Done"
        dismiss="Close"
        onAction={onClose}
        onClose={onClose}
      >
        <p>
          {sensorName(sensor)} reads back <strong>{write(value)}</strong>
          {isSame ? '.' : `; ${write(requested)} was asked for. The device may round or limit what it takes.`}
        </p>
      </Dialog>
    )
  }
  if (step.at === 'confirm') {
    return (
      <Dialog
        title={`Write to ${sensorName(sensor)}?`}
        action="Write"
        dismiss="Cancel"
        onAction={() => void send(step.value)}
        onClose={onClose}
        isBusy={isBusy}
        error={error}
      >
        <p>
          Device <strong>{sensor.device}</strong> will be told to change {sensorName(sensor)} from{' '}
          <strong>{write(live.latest.value.value)}</strong> to <strong>{write(step.value)}</strong>. The machine may
          react at once.
        </p>
      </Dialog>
    )
  }
  return (
    <Dialog
      title={`Write to ${sensorName(sensor)}`}
      action="Continue"
      onAction={review}
      onClose={onClose}
      error={error}
    >
      <p>Now: {write(live.latest.value.value)}</p>
      {sensor.type === 'boolean' ? (
        <Choice
          label="New value"
          value={text}
          options={[
            { key: 'true', text: 'On' },
            { key: 'false', text: 'Off' },
          ]}
          onChoose={setText}
        />
      ) : (
        <Field
          label={unit === '' ? 'New value' : `New value in ${unit}`}
          value={text}
          onInput={setText}
          inputMode={sensor.type === 'string' ? 'text' : 'decimal'}
          autofocus
        />
      )}
    </Dialog>
  )
}

function startText(value: JsonValue): string {
  return typeof value === 'boolean' ? String(value) : ''
}
