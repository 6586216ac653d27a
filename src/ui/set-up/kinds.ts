// What can be connected, in words of who stands before it.

import type { IconName } from '../parts/icon.tsx'

export const KINDS = [
  {
    key: 'modbus-tcp',
    text: 'Modbus TCP',
    detail: 'A PLC, meter or drive on the network. It is looked through for units and registers.',
    icon: 'devices',
  },
  {
    key: 'modbus-rtu',
    text: 'Modbus RTU',
    detail: 'The same on a serial line, RS-485 or RS-232.',
    icon: 'devices',
  },
  { key: 'opcua', text: 'OPC UA', detail: 'A server of a controller. Its variables are listed by name.', icon: 'box' },
  {
    key: 'serial',
    text: 'Serial instrument',
    detail: 'A scale, scanner or sensor that sends lines of text. It is listened to.',
    icon: 'probe',
  },
  { key: 'mqtt', text: 'MQTT', detail: 'Sensors that publish their values to a broker.', icon: 'uplinks' },
  {
    key: 'example',
    text: 'From an example',
    detail: 'A commented entry of the configuration to change by hand.',
    icon: 'edit',
  },
] as const satisfies readonly {
  readonly key: string
  readonly text: string
  readonly detail: string
  readonly icon: IconName
}[]

export type Kind = (typeof KINDS)[number]['key']

export function kindOf(text: string | null): Kind | null {
  return KINDS.find(({ key }) => key === text)?.key ?? null
}
