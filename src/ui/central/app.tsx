// Which page is shown: set-up and sign-in first, then the page of the address.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { ShapeError } from '../client/fields.ts'
import { errorMessage } from '../client/http.ts'
import { Link } from '../parts/button.tsx'
import { EmptyState } from '../parts/card.tsx'
import { Gate } from '../parts/gate.tsx'
import { lazy } from '../parts/lazy.tsx'
import { ReloadButton } from '../parts/outdated.tsx'
import { useFrame } from '../state/frame.ts'
import { FleetPage } from './fleet.tsx'
import { LoginPage, PRODUCT, SetupPage } from './login.tsx'
import type { CentralRoute } from './route.ts'
import { useCentral } from './services.ts'
import { Page, Shell } from './shell.tsx'

// What not everybody opens each time is fetched when it is.
const AccountPage = lazy(async () => (await import('./account.tsx')).AccountPage)
const AuditPage = lazy(async () => (await import('./audit.tsx')).AuditPage)
const AlarmsPage = lazy(async () => (await import('./alarms.tsx')).AlarmsPage)
const AlertsPage = lazy(async () => (await import('./alerts.tsx')).AlertsPage)
const GatewayPage = lazy(async () => (await import('./gateway.tsx')).GatewayPage)
const JournalPage = lazy(async () => (await import('./journal.tsx')).JournalPage)
const KeysPage = lazy(async () => (await import('./keys.tsx')).KeysPage)
const MachinePage = lazy(async () => (await import('./machine.tsx')).MachinePage)
const MachinesPage = lazy(async () => (await import('./machines.tsx')).MachinesPage)
const PeoplePage = lazy(async () => (await import('./people.tsx')).PeoplePage)
const SensorPage = lazy(async () => (await import('./sensor.tsx')).SensorPage)

const AGAIN_MS = 3000

export function App(): JSX.Element {
  const { router, session } = useCentral()
  const route = router.route.value
  const failure = useSession()
  const isOutdated = useFrame().pageAge.isOutdated.value
  if (session.value === null && isOutdated)
    return (
      <Gate title="This page is older than central: reload it" product={PRODUCT}>
        <p>Central was updated after this page was loaded, and they no longer understand each other.</p>
        <ReloadButton />
      </Gate>
    )
  if (session.value === null)
    return (
      <Gate title={failure === null ? 'Loading…' : failure.title} product={PRODUCT}>
        {failure !== null && <p>{failure.reason} This page tries again every few seconds.</p>}
      </Gate>
    )
  if (route.page === 'setup') return <SetupPage />
  if (session.value.user === null) return <LoginPage />
  return (
    <Shell>
      <RoutedPage route={route} />
    </Shell>
  )
}

interface Failure {
  readonly title: string
  readonly reason: string
}

/** Asks who is there until it is known; answers why it is not. */
function useSession(): Failure | null {
  const { api, session } = useCentral()
  const { pageAge } = useFrame()
  const [failure, setFailure] = useState<Failure | null>(null)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      try {
        session.value = await api.session()
      } catch (cause) {
        const isUnreadable = cause instanceof ShapeError
        if (isUnreadable) await pageAge.check()
        const title = isUnreadable ? 'Central’s answer is not understood' : 'Central cannot be reached'
        setFailure({ title, reason: errorMessage(cause) })
        timer = setTimeout(() => void ask(), AGAIN_MS)
      }
    }
    void ask()
    return () => clearTimeout(timer)
  }, [])
  return failure
}

function RoutedPage({ route }: { readonly route: CentralRoute }): JSX.Element {
  switch (route.page) {
    case 'fleet':
    case 'setup':
      return <FleetPage />
    case 'gateway':
      return <GatewayPage key={route.id} id={route.id} />
    case 'machines':
      return <MachinesPage />
    case 'machine':
      return <MachinePage key={route.id} id={route.id} />
    case 'sensor':
      return <SensorPage key={route.id} id={route.id} />
    case 'alarms':
      return <AlarmsPage />
    case 'alerts':
      return <AlertsPage />
    case 'journal':
      return <JournalPage />
    case 'keys':
      return <KeysPage />
    case 'people':
      return <PeoplePage />
    case 'audit':
      return <AuditPage />
    case 'account':
      return <AccountPage />
    case 'notFound':
      return (
        <Page title="No such page">
          <EmptyState title="There is nothing at this address">
            <p>
              <Link to="/">Go to the fleet</Link>
            </p>
          </EmptyState>
        </Page>
      )
  }
}
