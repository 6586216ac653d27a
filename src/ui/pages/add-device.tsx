// A device is added, step by step on one page: what it is, where it is, what it measures, what will be written, and its first values.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import type { SuggestedDevice } from '../client/scan.ts'
import { Page } from '../layout/shell.tsx'
import { Link } from '../parts/button.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { formOf, type DeviceForm } from '../set-up/device-form.ts'
import { kindOf, KINDS, type Kind } from '../set-up/kinds.ts'
import { useServices } from '../state/services.ts'
import { AddExample } from './add-example.tsx'
import { AddMqtt } from './add-mqtt.tsx'
import { AddSensors } from './add-sensors.tsx'
import { AddWhere } from './add-where.tsx'
import { AddWrite } from './add-write.tsx'
import { AddedDevice } from './added-device.tsx'
import type { Watched } from './configuration-watch.tsx'

export function AddDevicePage(): JSX.Element {
  const { plant } = useServices()
  return (
    <Page
      title="Add a device"
      trail={<Link to="/configuration">Configuration</Link>}
      lead={<p>From what is connected to its first values. Nothing is written before the last step.</p>}
    >
      {plant.may('engineer') ? (
        <AddDevice />
      ) : (
        <EmptyState title="Devices are added by engineers" icon="user">
          <p>Sign in as an engineer or an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function AddDevice(): JSX.Element {
  const { plant, router } = useServices()
  const kind = kindOf(new URLSearchParams(router.query.value).get('kind'))
  const [form, setForm] = useState<DeviceForm | null>(null)
  /** Ids of the devices that were there when this one was chosen: it must not be in its own way when it has come. */
  const [taken, setTaken] = useState<ReadonlySet<string>>(new Set())
  const [written, setWritten] = useState<Watched | null>(null)
  const choose = (device: SuggestedDevice): void => {
    const ids = new Set(plant.devices.peek().map(({ id }) => id))
    setTaken(ids)
    setForm(formOf(device, ids))
  }
  const reset = (next: Kind | null): void => {
    setForm(null)
    setWritten(null)
    router.setQuery({ kind: next })
  }
  if (written !== null && form !== null) return <AddedDevice form={form} written={written} onMore={() => reset(null)} />
  return (
    <>
      <Step number={1} title="What is it?">
        <Kinds kind={kind} onChoose={reset} />
      </Step>
      {kind === 'example' && (
        <Step number={2} title="Which example?">
          <AddExample />
        </Step>
      )}
      {kind === 'mqtt' && (
        <Step number={2} title="Where are the messages?">
          <AddMqtt onFound={choose} />
        </Step>
      )}
      {kind !== null && kind !== 'example' && kind !== 'mqtt' && (
        <Step key={kind} number={2} title="Where is it?">
          <AddWhere kind={kind} onFound={choose} />
        </Step>
      )}
      {form !== null && (
        <>
          <Step number={3} title="What does it measure?">
            <AddSensors form={form} onForm={setForm} />
          </Step>
          <Step number={4} title="What will be written?">
            <AddWrite form={form} taken={taken} onWritten={setWritten} />
          </Step>
        </>
      )}
    </>
  )
}

interface StepProps {
  readonly number: number
  readonly title: string
  readonly children: ComponentChildren
}

/** A step that has just appeared comes into view. */
function Step({ number, title, children }: StepProps): JSX.Element {
  const root = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (number > 1) root.current?.scrollIntoView({ block: 'nearest' })
  }, [])
  return (
    <div class="step" ref={root}>
      <Card title={`${number}. ${title}`}>{children}</Card>
    </div>
  )
}

function Kinds({
  kind,
  onChoose,
}: {
  readonly kind: Kind | null
  readonly onChoose: (kind: Kind) => void
}): JSX.Element {
  return (
    <fieldset class="kinds">
      <legend class="sr-only">Kind of device</legend>
      {KINDS.map(({ key, text, detail, icon }) => (
        <label key={key} class={key === kind ? 'is-chosen' : undefined}>
          <input type="radio" name="kind" checked={key === kind} onChange={() => onChoose(key)} />
          <Icon name={icon} />
          <span>
            <strong>{text}</strong>
            <span class="second-line">{detail}</span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}
