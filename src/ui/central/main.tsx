// Composition root of central's pages: makes the services, asks who is there, renders.

import { signal } from '@preact/signals'
import { render } from 'preact'
import { createHttpClient } from '../client/http.ts'
import { SensorHistory } from '../client/sensor-history.ts'
import { FrameContext, type Frame } from '../state/frame.ts'
import { ownPageAge } from '../state/own-page-age.ts'
import { Router } from '../state/router.ts'
import { Theme } from '../state/theme.ts'
import '../styles/fonts.css'
import '../styles/tokens.css'
import '../styles/base.css'
import '../styles/header.css'
import '../styles/layout.css'
import '../styles/parts.css'
import '../styles/tables.css'
import '../styles/marks.css'
import '../styles/pages.css'
import '../styles/system.css'
import '../styles/set-up.css'
import '../styles/watch.css'
import './central.css'
import { App } from './app.tsx'
import { CentralApi } from './central-api.ts'
import { parseCentralRoute } from './route.ts'
import { CentralContext, type CentralServices } from './services.ts'
import type { CentralSession } from './wire.ts'

/** The answer's own second and its way are no difference of clocks. */
const SKEW_MS = 3000

const session = signal<CentralSession | null>(null)
let offsetMs = 0
const now = signal(Date.now())

async function ask(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init)
  const skew = Date.parse(response.headers.get('date') ?? '') - Date.now()
  if (Number.isFinite(skew)) offsetMs = Math.abs(skew) > SKEW_MS ? skew : 0
  return response
}

const http = createHttpClient(
  ask,
  () => {
    const known = session.peek()
    if (known !== null) session.value = { ...known, user: null }
  },
  'Central',
)
const router = new Router(parseCentralRoute)
const services: CentralServices = { api: new CentralApi(http), router, session }
// Nothing is heard between two questions: there is no connection that could come back.
const stored = new SensorHistory(http)
const frame: Frame = { router, theme: new Theme(), now, comebacks: signal(0), stored, pageAge: ownPageAge() }

function tick(): void {
  now.value = Date.now() + offsetMs
  setTimeout(tick, 1000)
}

render(
  <FrameContext.Provider value={frame}>
    <CentralContext.Provider value={services}>
      <App />
    </CentralContext.Provider>
  </FrameContext.Provider>,
  document.getElementById('app')!,
)
tick()
