// The gateways to choose from in a filter.

import { useEffect, useState } from 'preact/hooks'
import { useCentral } from './services.ts'

const MOST = 1000
const ALL = { key: '', text: 'All' }

export interface GatewayOption {
  readonly key: string
  readonly text: string
}

/** `chosen` is always among them: an address may name one that is gone. */
export function useGateways(chosen: string): readonly GatewayOption[] {
  const { api } = useCentral()
  const [ids, setIds] = useState<readonly string[]>([])
  useEffect(() => {
    // Without them the filter has the chosen one; the list beside it says why central does not answer.
    api.gateways(MOST).then(
      ({ items }) => setIds(items.map(({ id }) => id)),
      () => undefined,
    )
  }, [])
  const known = chosen === '' || ids.includes(chosen) ? ids : [chosen, ...ids]
  return [ALL, ...known.map((id) => ({ key: id, text: id }))]
}
