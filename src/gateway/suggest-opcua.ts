// The variables of an OPC UA server, as a device of gateway.yaml. Pure.

import { idFromName } from '#domain/ids.ts'
import type { OpcuaScanRequest, SuggestedDevice } from '#domain/scan.ts'
import type { FoundVariable } from './opcua-tools.ts'

/** Stands for the password, which is never written down. */
export const OPCUA_PASSWORD = 'OPCUA_PASSWORD'
const MAX_ID_LENGTH = 64

export function suggestOpcua(
  {
    endpoint,
    security,
    user,
  }: Pick<OpcuaScanRequest, 'endpoint' | 'security'> & { readonly user?: { readonly name: string } },
  variables: readonly FoundVariable[],
): SuggestedDevice {
  const ids = new Set<string>()
  return {
    config: {
      id: idFromName(new URL(endpoint).host).slice(0, MAX_ID_LENGTH),
      driver: 'opcua',
      connection: {
        endpoint,
        ...(security && { security }),
        ...(user && { user: { name: user.name, password: `\${${OPCUA_PASSWORD}}` } }),
      },
    },
    title: '',
    sensors: variables.map(({ path, node, type, unit, isWritable }) => ({
      config: {
        id: uniqueId(path, ids),
        node,
        ...(type === 'number' ? {} : { type }),
        ...(unit === '' ? {} : { unit }),
        ...(isWritable ? { writable: true } : {}),
      },
      value: null,
      alternatives: [],
    })),
    left: 0,
    notes: [],
  }
}

/** From the browse names; the end tells more than the beginning. */
function uniqueId(path: readonly string[], taken: Set<string>): string {
  const whole = idFromName(path.join('-'))
  const base = idFromName(whole.slice(-MAX_ID_LENGTH + 5))
  let id = base
  for (let count = 2; taken.has(id); count++) id = `${base}-${count}`
  taken.add(id)
  return id
}
