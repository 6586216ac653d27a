// Which page is shown: set-up and sign-in first, then what is loaded, then the page of the address.

import type { JSX } from 'preact'
import { Page, Shell } from './layout/shell.tsx'
import { Link } from './parts/button.tsx'
import { EmptyState } from './parts/card.tsx'
import { Gate } from './parts/gate.tsx'
import { lazy } from './parts/lazy.tsx'
import { ReloadButton } from './parts/outdated.tsx'
import { AlarmsPage } from './pages/alarms.tsx'
import { DevicesPage } from './pages/devices.tsx'
import { LoginPage, SetupPage } from './pages/login.tsx'
import { MachinePage } from './pages/machine.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { PartsPage } from './pages/parts.tsx'
import { SensorPage } from './pages/sensor.tsx'
import { UplinksPage } from './pages/uplinks.tsx'
import { useFrame } from './state/frame.ts'
import type { Route } from './state/route.ts'
import { useServices } from './state/services.ts'

// Pages that few people open, or seldom, are fetched when they are.
const ComparePage = lazy(async () => (await import('./pages/compare.tsx')).ComparePage)
const ConfigurationPage = lazy(async () => (await import('./pages/configuration.tsx')).ConfigurationPage)
const RevisionsPage = lazy(async () => (await import('./pages/configuration-revisions.tsx')).RevisionsPage)
const ImportPage = lazy(async () => (await import('./pages/configuration-import.tsx')).ImportPage)
const UsersPage = lazy(async () => (await import('./pages/users.tsx')).UsersPage)
const AuditPage = lazy(async () => (await import('./pages/audit.tsx')).AuditPage)
const AccountPage = lazy(async () => (await import('./pages/account.tsx')).AccountPage)
const BackupPage = lazy(async () => (await import('./pages/backup.tsx')).BackupPage)
const AboutPage = lazy(async () => (await import('./pages/about.tsx')).AboutPage)
const AddDevicePage = lazy(async () => (await import('./pages/add-device.tsx')).AddDevicePage)
const DevicePage = lazy(async () => (await import('./pages/device-detail.tsx')).DevicePage)
const JournalPage = lazy(async () => (await import('./pages/journal.tsx')).JournalPage)
const MeasuresPage = lazy(async () => (await import('./pages/alarm-measures.tsx')).MeasuresPage)
const RegistersPage = lazy(async () => (await import('./pages/registers.tsx')).RegistersPage)
const UplinkPage = lazy(async () => (await import('./pages/uplinks-detail.tsx')).UplinkPage)

export function App(): JSX.Element {
  const { plant, router } = useServices()
  const route = router.route.value
  const session = plant.session.value
  if (route.page === 'setup') return <SetupPage />
  if (session !== null && session.auth === 'required' && session.user === null) return <LoginPage />
  const loading = plant.loading.value
  switch (loading.state) {
    case 'loading':
      return <Gate title="Loading…">{null}</Gate>
    case 'failed':
      return <GatewayAway reason={loading.message} />
    case 'unreadable':
      return <GatewayUnreadable reason={loading.message} />
    case 'ready':
      return (
        <Shell>
          <RoutedPage route={route} />
        </Shell>
      )
  }
}

function RoutedPage({ route }: { readonly route: Route }): JSX.Element {
  switch (route.page) {
    case 'overview':
    case 'login':
    case 'setup':
      return <OverviewPage />
    case 'machine':
      return <MachinePage key={route.id} id={route.id} />
    case 'sensor':
      return <SensorPage id={route.id} />
    case 'alarms':
      return <AlarmsPage />
    case 'measures':
      return <MeasuresPage />
    case 'journal':
      return <JournalPage />
    case 'compare':
      return <ComparePage />
    case 'device':
      return <DevicePage key={route.id} id={route.id} />
    case 'registers':
      return <RegistersPage key={route.id} id={route.id} />
    case 'uplink':
      return <UplinkPage key={route.id} id={route.id} />
    case 'devices':
      return <DevicesPage />
    case 'uplinks':
      return <UplinksPage />
    case 'configuration':
      return <ConfigurationPage />
    case 'revisions':
      return <RevisionsPage />
    case 'import':
      return <ImportPage />
    case 'addDevice':
      return <AddDevicePage />
    case 'users':
      return <UsersPage />
    case 'audit':
      return <AuditPage />
    case 'account':
      return <AccountPage />
    case 'backup':
      return <BackupPage />
    case 'about':
      return <AboutPage />
    case 'parts':
      return <PartsPage />
    case 'notFound':
      return (
        <Page title="No such page">
          <EmptyState title="There is nothing at this address">
            <p>
              <Link to="/">Go to the overview</Link>
            </p>
          </EmptyState>
        </Page>
      )
  }
}

function GatewayUnreadable({ reason }: { readonly reason: string }): JSX.Element {
  const isOutdated = useFrame().pageAge.isOutdated.value
  if (isOutdated)
    return (
      <Gate title="This page is older than the gateway: reload it">
        <p>The gateway was updated after this page was loaded, and they no longer understand each other.</p>
        <ReloadButton />
      </Gate>
    )
  return (
    <Gate title="The gateway’s answer is not understood">
      <p>{reason}</p>
      <ReloadButton />
    </Gate>
  )
}

function GatewayAway({ reason }: { readonly reason: string }): JSX.Element {
  return (
    <Gate title="The gateway cannot be reached">
      <p>{reason}</p>
      <p>
        This page tries again every few seconds. If it does not come back, check that the gateway runs and that this
        device is on its network.
      </p>
    </Gate>
  )
}
