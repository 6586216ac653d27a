// The audit log of the gateway. For administrators; nothing in it can be changed.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { readAudit, readIntegrity } from '../client/audit.ts'
import { errorMessage } from '../client/http.ts'
import { Page } from '../layout/shell.tsx'
import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/card.tsx'
import { useServices } from '../state/services.ts'
import { AuditList } from './audit-list.tsx'
import { SystemTabs } from './system-tabs.tsx'

const SUBJECTS = [
  { key: '', text: 'All' },
  { key: 'config', text: 'Configuration' },
  { key: 'user', text: 'Users' },
  { key: 'token', text: 'Tokens' },
  { key: 'session', text: 'Sessions' },
  { key: 'sensor', text: 'Writes to sensors' },
  { key: 'alarm', text: 'Alarms' },
  { key: 'device', text: 'Devices' },
  { key: 'uplink', text: 'Uplinks' },
] as const

export function AuditPage(): JSX.Element {
  const { api, plant } = useServices()
  return (
    <Page title="Audit log" lead={<p>Who changed what, newest first. Nothing in it can be changed.</p>}>
      <SystemTabs current="audit" />
      {plant.may('admin') ? (
        <AuditList
          read={(filters, signal) => readAudit(api.http, filters, signal)}
          subjects={SUBJECTS}
          fileName={`audit-${plant.gateway.value?.id ?? 'gateway'}.csv`}
          aside={<Integrity />}
        />
      ) : (
        <EmptyState title="The audit log is for administrators" icon="user">
          <p>Sign in as an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function Integrity(): JSX.Element {
  const { api } = useServices()
  const [words, setWords] = useState<string | null>(null)
  const ask = async (): Promise<void> => {
    setWords('Checking…')
    try {
      const fault = await readIntegrity(api.http)
      setWords(fault === null ? 'Every entry is as it was written.' : `It was altered at ${fault}`)
    } catch (cause) {
      setWords(errorMessage(cause))
    }
  }
  return (
    <div class="button-row integrity">
      <span role="status">{words}</span>
      <Button icon="check" onClick={() => void ask()}>
        Check that it is intact
      </Button>
    </div>
  )
}
