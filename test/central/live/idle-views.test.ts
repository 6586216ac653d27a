// What central keeps in memory of tenants at which nobody looks any more.

import { expect, it } from 'vitest'
import { TenantLive } from '#central/live/tenant-live.ts'
import { LocalFeed } from '#central/stream/live-feed.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Registry } from '#kit/metrics.ts'

const EMPTY = { items: [], next: null }

function openLive() {
  const wanted: number[] = []
  const feed = new LocalFeed({ subscribe: () => () => {} })
  const counted = Object.assign(Object.create(feed) as LocalFeed, {
    want: (tenant: number) => {
      wanted.push(tenant)
      return () => void wanted.splice(wanted.indexOf(tenant), 1)
    },
    subscribe: () => () => {},
    onAlert: () => () => {},
  })
  const clock = new ManualClock()
  const live = new TenantLive({
    readings: { latest: async () => EMPTY } as unknown as ConstructorParameters<typeof TenantLive>[0]['readings'],
    alarms: { open: async () => EMPTY } as unknown as ConstructorParameters<typeof TenantLive>[0]['alarms'],
    feed: counted,
    clock,
    log: silentLogger,
    registry: new Registry(),
    maxClients: 10,
    alertShape: (alert) => alert,
  })
  return { live, clock, wanted }
}

it('is a few views of each, whatever was asked for, and nothing after a minute', async () => {
  const { clock, live, wanted } = openLive()
  await live.prepare({ tenant: 2, gateways: [] })
  for (let gateway = 0; gateway < 20; gateway++) await live.prepare({ tenant: 1, gateways: [`edge-${gateway}`] })
  expect(wanted.filter((tenant) => tenant === 1)).toHaveLength(4)
  expect(wanted.filter((tenant) => tenant === 2)).toHaveLength(1)
  await live.prepare({ tenant: 1, gateways: ['edge-19'] }) // it is there
  expect(wanted).toHaveLength(5)
  await clock.advance(60_000)
  expect(wanted).toEqual([])
  expect(clock.pending).toBe(0)
})

it('is nothing once central has stopped', async () => {
  const { clock, live, wanted } = openLive()
  await live.prepare({ tenant: 1, gateways: [] })
  await live.close(new AbortController().signal)
  expect(wanted).toEqual([])
  expect(clock.pending).toBe(0)
})
