// The audit log of the tenant; for administrators of the platform, that of the tenants too.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { readAudit } from '../client/audit.ts'
import { AuditList } from '../pages/audit-list.tsx'
import { Segments } from '../parts/button.tsx'
import { EmptyState } from '../parts/card.tsx'
import { useCentral } from './services.ts'
import { Page, useMay } from './shell.tsx'
import { idFromName } from './words.ts'

const SUBJECTS = [
  { key: '', text: 'All' },
  { key: 'user', text: 'People' },
  { key: 'key', text: 'Keys' },
  { key: 'session', text: 'Sessions' },
  { key: 'gateway', text: 'Gateways' },
  { key: 'configuration', text: 'Configurations of gateways' },
  { key: 'factory', text: 'Factories' },
  { key: 'machine', text: 'Machines' },
  { key: 'sensor', text: 'Sensors' },
  { key: 'tenant', text: 'Tenants' },
] as const

export function AuditPage(): JSX.Element {
  return (
    <Page title="Audit log" lead={<p>Who changed what, newest first. Nothing in it can be changed.</p>}>
      {useMay('admin') ? (
        <Audit />
      ) : (
        <EmptyState title="The audit log is for administrators" icon="user">
          <p>Sign in as an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function Audit(): JSX.Element {
  const { api, session } = useCentral()
  const [of, setOf] = useState<'tenant' | 'platform'>('tenant')
  const tenant = session.value?.tenant ?? 'tenant'
  return (
    <AuditList
      key={of}
      read={(filters, signal) => readAudit(api.http, { ...filters, of }, signal)}
      subjects={SUBJECTS}
      fileName={`audit-${of === 'platform' ? 'platform' : idFromName(tenant)}.csv`}
      {...(session.value?.user?.isPlatformAdmin === true && {
        aside: (
          <Segments
            label="Of"
            options={[
              { key: 'tenant', text: tenant },
              { key: 'platform', text: 'Platform' },
            ]}
            selected={of}
            onSelect={setOf}
          />
        ),
      })}
    />
  )
}
