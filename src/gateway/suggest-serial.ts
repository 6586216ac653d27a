// A serial port on which text was heard, as a device of gateway.yaml that reads each line. Pure.

import { idFromName } from '#domain/ids.ts'
import type { SuggestedDevice } from '#domain/scan.ts'
import type { HeardAt } from './serial-tools.ts'

const MAX_ID_LENGTH = 64

export function suggestSerial(path: string, { baudRate, parity, delimiter, sample }: HeardAt): SuggestedDevice {
  return {
    config: {
      id: idFromName(path.split('/').at(-1) ?? '').slice(0, MAX_ID_LENGTH),
      driver: 'serial',
      connection: { path, baudRate, ...(parity === 'none' ? {} : { parity, dataBits: 7 }) },
      framing: { delimiter: delimiter ?? '\r\n' },
      parse: { pattern: '^(?<line>.*)$' },
    },
    title: '',
    sensors: [{ config: { id: 'line', field: 'line', type: 'string' }, value: sample, alternatives: [] }],
    left: 0,
    notes: [`For example: ${sample}`],
  }
}
