// Which page is shown: set-up and sign-in first, then the page of the address.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import { EmptyState } from '../parts/card.tsx'
import { Gate } from '../parts/gate.tsx'
import { FleetPage } from './fleet.tsx'
import { GatewayPage } from './gateway.tsx'
import { KeysPage } from './keys.tsx'
import { LoginPage, PRODUCT, SetupPage } from './login.tsx'
import { useCentral, type CentralRoute } from './services.ts'
import { Link, Page, Shell } from './shell.tsx'

const AGAIN_MS = 3000

export function App(): JSX.Element {
  const { router, session } = useCentral()
  const route = router.route.value
  const failure = useSession()
  if (session.value === null)
    return (
      <Gate title={failure === null ? 'Loading…' : 'Central cannot be reached'} product={PRODUCT}>
        {failure !== null && <p>{failure} This page tries again every few seconds.</p>}
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

/** Asks who is there until it is known; answers why it is not. */
function useSession(): string | null {
  const { api, session } = useCentral()
  const [failure, setFailure] = useState<string | null>(null)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      try {
        session.value = await api.session()
      } catch (cause) {
        setFailure(errorMessage(cause))
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
    case 'keys':
      return <KeysPage />
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
