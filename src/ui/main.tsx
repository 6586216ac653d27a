// Composition root of the dashboard: makes the services, starts the feed, renders the page.

import { render } from 'preact'
import { App } from './app.tsx'
import { GatewayApi } from './client/gateway-api.ts'
import { createHttpClient } from './client/http.ts'
import { Drafts } from './state/drafts.ts'
import { Feed } from './state/feed.ts'
import { FrameContext, type Frame } from './state/frame.ts'
import { HistoryQueue } from './state/history-queue.ts'
import { ownPageAge } from './state/own-page-age.ts'
import { Plant } from './state/plant.ts'
import { parseRoute } from './state/route.ts'
import { Router } from './state/router.ts'
import { ServicesContext, type Services } from './state/services.ts'
import { Theme } from './state/theme.ts'
import './styles/fonts.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/header.css'
import './styles/layout.css'
import './styles/parts.css'
import './styles/tables.css'
import './styles/marks.css'
import './styles/pages.css'
import './styles/system.css'
import './styles/set-up.css'
import './styles/watch.css'
import './styles/instruments.css'

const HIDDEN_FRAME_MS = 1000

const plant = new Plant(Date.now())
const pageAge = ownPageAge()
const api = new GatewayApi(
  createHttpClient(
    (path, init) => fetch(path, init),
    () => {
      const session = plant.session.peek()
      if (session !== null) plant.session.value = { ...session, user: null }
      feed.stop()
    },
  ),
)

function after(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  return () => clearTimeout(timer)
}

const feed = new Feed({
  plant,
  api,
  openSocket: (since) => {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const query = since === null ? '' : `?since=${encodeURIComponent(since)}`
    return new WebSocket(`${scheme}://${location.host}/api/v1/live${query}`)
  },
  onBack: (sensors) => services.history.fill(sensors),
  // A hidden page draws no frames; it still has to take its readings in.
  onNextFrame: (callback) =>
    document.hidden ? setTimeout(callback, HIDDEN_FRAME_MS) : requestAnimationFrame(callback),
  after,
  checkPage: () => pageAge.check(),
  now: () => Date.now(),
  random: () => Math.random(),
})

const now = (): number => Date.now() + plant.clockOffsetMs.peek()
const services: Services = {
  plant,
  api,
  feed,
  history: new HistoryQueue(api, now),
  router: new Router(parseRoute),
  theme: new Theme(),
  drafts: new Drafts(),
}

const { router, theme } = services
const frame: Frame = { router, theme, now: plant.now, comebacks: plant.comebacks, stored: api, pageAge }

function tick(): void {
  plant.now.value = now()
  // At the turn of the second, so that the clock does not lag.
  setTimeout(tick, 1000 - (now() % 1000))
}

render(
  <FrameContext.Provider value={frame}>
    <ServicesContext.Provider value={services}>
      <App />
    </ServicesContext.Provider>
  </FrameContext.Provider>,
  document.getElementById('app')!,
)
tick()
void feed.start()
