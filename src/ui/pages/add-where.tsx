// Where a device is, and looking for it: a host, a serial port, an endpoint. Looking only reads.

import { useEffect, useState } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import type { ScanKind, SuggestedDevice } from '../client/scan.ts'
import { formatDuration } from '../format/time.ts'
import { counted } from '../format/words.ts'
import { Button } from '../parts/button.tsx'
import { Notice } from '../parts/card.tsx'
import { ErrorText, Field, Select } from '../parts/field.tsx'
import { Icon } from '../parts/icon.tsx'
import type { Kind } from '../set-up/kinds.ts'
import { useServices } from '../state/services.ts'
import { SerialLines } from './add-serial-lines.tsx'
import { useScan, type ScanDesk } from './use-scan.ts'

interface AddWhereProps {
  readonly kind: Exclude<Kind, 'mqtt' | 'example'>
  readonly onFound: (device: SuggestedDevice) => void
}

export function AddWhere({ kind, onFound }: AddWhereProps): JSX.Element {
  switch (kind) {
    case 'modbus-tcp':
      return <ModbusTcp onFound={onFound} />
    case 'modbus-rtu':
      return <ModbusRtu onFound={onFound} />
    case 'opcua':
      return <Opcua onFound={onFound} />
    case 'serial':
      return <Serial onFound={onFound} />
  }
}

type FormProps = Pick<AddWhereProps, 'onFound'>

function ModbusTcp({ onFound }: FormProps): JSX.Element {
  const desk = useScan()
  const [host, setHost] = useState('')
  const [port, setPort] = useState('502')
  const [area, setArea] = useState(AREAS[0].key as string)
  const [problem, setProblem] = useState<string | null>(null)
  const look = (): void => {
    const number = Number(port)
    const isPort = /^\d+$/.test(port.trim()) && number >= 1 && number <= 65_535
    setProblem(host.trim() === '' ? 'Write its address.' : isPort ? null : 'A port is a whole number from 1 to 65535.')
    if (host.trim() === '' || !isPort) return
    desk.start('modbus', { connection: { host: host.trim(), port: number }, ...areaOf(area) })
  }
  return (
    <Look desk={desk} kind="modbus" onLook={look} problem={problem} onFound={onFound}>
      <Field label="Host or IP address" value={host} onInput={setHost} autofocus required maxLength={255} />
      <Field label="Port" value={port} onInput={setPort} inputMode="numeric" required />
      <Select label="Addresses to look at" value={area} options={AREAS} onChoose={setArea} />
    </Look>
  )
}

const AREAS = [
  { key: '0', text: '0 to 999' },
  { key: '1000', text: '1000 to 4999' },
  { key: '5000', text: '5000 to 9999' },
] as const
const AREA_ENDS: Readonly<Record<string, number>> = { '0': 999, '1000': 4999, '5000': 9999 }

function areaOf(key: string): { readonly from: number; readonly to: number } {
  return { from: Number(key), to: AREA_ENDS[key] ?? 999 }
}

const BAUD_RATES = ['1200', '2400', '4800', '9600', '19200', '38400', '57600', '115200'].map((key) => ({
  key,
  text: `${key} baud`,
}))
const PARITIES = [
  { key: 'none', text: 'None' },
  { key: 'even', text: 'Even' },
  { key: 'odd', text: 'Odd' },
] as const

function ModbusRtu({ onFound }: FormProps): JSX.Element {
  const desk = useScan()
  const [path, setPath] = useState<string | null>(null)
  const [baudRate, setBaudRate] = useState('9600')
  const [parity, setParity] = useState<'none' | 'even' | 'odd'>('none')
  const look = (): void => {
    if (path === null) return
    desk.start('modbus', { connection: { transport: 'rtu', path, baudRate: Number(baudRate), parity } })
  }
  return (
    <Look desk={desk} kind="modbus" onLook={look} problem={null} onFound={onFound} isReady={path !== null}>
      <PortField path={path} onPath={setPath} />
      <Select label="Speed" value={baudRate} options={BAUD_RATES} onChoose={setBaudRate} />
      <Select label="Parity" value={parity} options={PARITIES} onChoose={setParity} />
    </Look>
  )
}

function Opcua({ onFound }: FormProps): JSX.Element {
  const desk = useScan()
  const [endpoint, setEndpoint] = useState('opc.tcp://')
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const look = (): void => {
    const isEndpoint = /^opc\.tcp:\/\/[^\s/]+/.test(endpoint.trim())
    setProblem(isEndpoint ? null : 'An endpoint is like opc.tcp://192.0.2.20:4840')
    if (!isEndpoint) return
    desk.start('opcua', { endpoint: endpoint.trim(), ...(name !== '' && { user: { name, password } }) })
  }
  const withPassword = (device: SuggestedDevice): SuggestedDevice =>
    name === '' ? device : { ...device, config: { ...device.config, connection: connectionWith(device, password) } }
  return (
    <Look desk={desk} kind="opcua" onLook={look} problem={problem} onFound={(device) => onFound(withPassword(device))}>
      <Field label="Endpoint" value={endpoint} onInput={setEndpoint} autofocus required maxLength={1024} />
      <Field label="User (if it asks for one)" value={name} onInput={setName} maxLength={256} />
      <Field label="Password" type="password" value={password} onInput={setPassword} autocomplete="off" />
    </Look>
  )
}

/** The gateway suggests a variable of its environment instead of a password; here a person has typed it. */
function connectionWith({ config }: SuggestedDevice, password: string): SuggestedDevice['config'] {
  const connection = config['connection'] as SuggestedDevice['config']
  const user = connection['user'] as SuggestedDevice['config'] | undefined
  return { ...connection, ...(user !== undefined && { user: { ...user, password } }) }
}

function Serial({ onFound }: FormProps): JSX.Element {
  const desk = useScan()
  const [path, setPath] = useState<string | null>(null)
  const look = (): void => {
    if (path !== null) desk.start('serial', { listen: path })
  }
  return (
    <Look desk={desk} kind="serial" onLook={look} problem={null} onFound={onFound} isReady={path !== null}>
      <PortField path={path} onPath={setPath} />
    </Look>
  )
}

/** The serial ports of the gateway's machine. */
function PortField({
  path,
  onPath,
}: {
  readonly path: string | null
  readonly onPath: (path: string | null) => void
}): JSX.Element {
  const desk = useScan()
  const ask = (): void => desk.start('serial', {})
  useEffect(ask, [])
  const options = desk.ports.map(({ path: port, byId, maker, usedBy }) => ({
    key: byId ?? port,
    text: `${port}${maker === '' ? '' : `, ${maker}`}${usedBy === null ? '' : `, used by ${usedBy}`}`,
    isFree: usedBy === null,
  }))
  const first = options.find(({ isFree }) => isFree)?.key ?? options[0]?.key ?? null
  useEffect(() => {
    if (desk.state === 'done') onPath(options.some(({ key }) => key === path) ? path : first)
  }, [desk.state])
  if (desk.state === 'failed') return <ErrorText text={desk.error} />
  if (desk.state !== 'done') return <p class="quiet">Looking for serial ports…</p>
  if (options.length === 0)
    return (
      <div class="field">
        <Notice icon="plugOff">
          This machine has no serial port. Plug the adapter in, then <Button onClick={ask}>look again</Button>
        </Notice>
      </div>
    )
  return (
    <>
      <Select label="Serial port" value={path ?? ''} options={options} onChoose={onPath} />
      <Button kind="quiet" icon="restart" onClick={ask}>
        Look for ports again
      </Button>
    </>
  )
}

interface LookProps {
  readonly desk: ScanDesk
  readonly kind: ScanKind
  readonly onLook: () => void
  readonly problem: string | null
  readonly onFound: (device: SuggestedDevice) => void
  readonly isReady?: boolean
  readonly children: ComponentChildren
}

function Look({ desk, kind, onLook, problem, onFound, isReady = true, children }: LookProps): JSX.Element {
  const isRunning = desk.state === 'running'
  return (
    <>
      <form
        class="filter-form"
        onSubmit={(event) => {
          event.preventDefault()
          onLook()
        }}
      >
        {children}
        {isRunning ? (
          <Button onClick={desk.stop}>Stop</Button>
        ) : (
          <Button type="submit" kind="primary" icon="probe" disabled={!isReady}>
            {kind === 'serial' ? 'Listen' : 'Look'}
          </Button>
        )}
      </form>
      <ErrorText text={problem ?? desk.error} />
      <div role="status">{isRunning ? <Progress desk={desk} /> : <Outcome desk={desk} kind={kind} />}</div>
      {kind === 'serial' && desk.heard.length > 0 ? (
        <SerialLines desk={desk} onFound={onFound} />
      ) : (
        <Devices devices={desk.devices} onFound={onFound} />
      )}
    </>
  )
}

function Progress({ desk }: { readonly desk: ScanDesk }): JSX.Element {
  const { plant } = useServices()
  return (
    <p class="outcome">
      <Icon name="waiting" />
      {formatDuration(plant.now.value - desk.since)}: {desk.progress === '' ? 'connecting' : desk.progress}
    </p>
  )
}

function Outcome({ desk, kind }: { readonly desk: ScanDesk; readonly kind: ScanKind }): JSX.Element | null {
  if (desk.state !== 'done') return null
  const what =
    kind === 'serial'
      ? ''
      : desk.devices.length === 0
        ? 'Nothing answered. Check the address, the cable, and whether the device allows this connection. '
        : `${counted(desk.devices.length, 'device')} found. `
  return (
    <p class="quiet">
      {desk.isCut && 'Stopped before the end. '}
      {what}
      {desk.notes.map((note) => `${note}. `).join('')}
    </p>
  )
}

interface DevicesProps {
  readonly devices: readonly SuggestedDevice[]
  readonly onFound: (device: SuggestedDevice) => void
}

function Devices({ devices, onFound }: DevicesProps): JSX.Element | null {
  if (devices.length === 0) return null
  return (
    <ul class="found">
      {devices.map((device) => (
        <li key={nameOf(device)}>
          <span>
            <strong>{nameOf(device)}</strong>
            <span class="second-line">
              {[
                device.title,
                `${counted(device.sensors.length, 'value')}${device.left > 0 ? ` of ${device.sensors.length + device.left}` : ''}`,
                ...device.notes,
              ]
                .filter((text) => text !== '')
                .join(' · ')}
            </span>
          </span>
          <Button
            icon="add"
            disabled={device.sensors.length === 0}
            label={`Take this one: ${nameOf(device)}`}
            onClick={() => onFound(device)}
          >
            Take this one
          </Button>
        </li>
      ))}
    </ul>
  )
}

function nameOf({ config }: SuggestedDevice): string {
  const { id } = config
  return typeof id === 'string' ? id : 'device'
}
