// Grafana's dashboards and data source: each query asks for what gateway, brain or central offers, promtool can parse it, and a real
// Prometheus that scrapes all three answers it.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import {
  configurationFor,
  hasPrometheus,
  PROMETHEUS_FOLDER,
  startPrometheus,
} from '#test/appliance/prometheus/prometheus-server.ts'
import { offeredBy, unknownIn } from '#test/appliance/prometheus/queries.ts'
import { startWatchedGateway, type WatchedGateway } from '#test/appliance/prometheus/watched-gateway.ts'
import {
  DRIFT_LABELS,
  hasBacking,
  startWatchedServices,
  type WatchedServices,
} from '#test/appliance/prometheus/watched-services.ts'
import { run } from '#test/cli/run-command.ts'

interface Source {
  readonly type: string
  readonly uid: string
}
interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly datasource: Source
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig: { readonly defaults: { readonly unit: string } }
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string; readonly datasource: Source }[]
}
interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { readonly query: string } }[]
  }
}

const GRAFANA = join(PACKAGE_ROOT, 'docker', 'grafana')
const FOLDER = join(GRAFANA, 'dashboards')
const dashboards = readdirSync(FOLDER).map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Dashboard)
const panels = dashboards.flatMap((dashboard) => dashboard.panels.map((panel) => ({ ...panel, of: dashboard.uid })))
const queries = panels.flatMap(({ targets, title, of }) =>
  targets.map(({ expr }) => ({ of, expr, where: `${of}: ${title}` })),
)
/** Only there once something has gone wrong, or been sent, or a model is in use. */
const MAY_BE_EMPTY = /^sum by \(.*\) > 0$|uplink_replay_rate|model_drift/

/** `label_values(series, label)` as PromQL has it. */
function variableQuery(query: string): string {
  const [, series = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? []
  return `group by (${label}) (${series})`
}

/** As Grafana sends it when everything is chosen. */
function chosen(expression: string): string {
  return expression.replace(/\$(?:instance|device|uplink)\b/g, '.+')
}

const variables = dashboards.flatMap(({ uid, templating }) =>
  templating.list.map(({ name, query }) => ({ of: uid, where: `${uid}: $${name}`, expr: variableQuery(query.query) })),
)
const all = [...queries, ...variables]

/** The dashboards of brain and central; all others are of gateways. */
const OF_SERVICES = ['telemetryx-brain', 'telemetryx-central']
const ofGateways = all.filter(({ of }) => !OF_SERVICES.includes(of))

let gateway: WatchedGateway | undefined
let services: WatchedServices | undefined
beforeAll(async () => {
  gateway = await startWatchedGateway()
  if (hasBacking) services = await startWatchedServices()
}, 240_000)
afterAll(async () => {
  await gateway?.stop()
  await services?.stop()
}, 120_000)

describe('the dashboards', () => {
  it('are well-formed: own ids, no overlap, a unit and the provisioned data source everywhere', () => {
    const { datasources } = parse(readFileSync(join(GRAFANA, 'provisioning/datasources/prometheus.yaml'), 'utf8')) as {
      datasources: Source[]
    }
    const [{ type, uid } = { type: '', uid: '' }] = datasources
    expect(new Set(dashboards.map((dashboard) => dashboard.uid)).size).toBe(5)
    for (const dashboard of dashboards) {
      const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
      )
      expect(new Set(cells).size, `${dashboard.title} has panels that overlap`).toBe(cells.length)
      expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    }
    for (const panel of panels) {
      expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24)
      expect(panel.fieldConfig.defaults.unit).not.toBe('')
      expect(panel.targets.length).toBeGreaterThan(0)
      for (const { datasource } of [panel, ...panel.targets]) expect(datasource).toEqual({ type, uid })
    }
  })

  it('ask only for series and labels that a gateway has', async () => {
    const offered = offeredBy(await gateway!.metrics())
    for (const { expr, where } of ofGateways) expect(unknownIn(chosen(expr), offered), where).toEqual([])
  })

  it.skipIf(!hasBacking)(
    'ask only for series and labels that brain and central have (needs postgresql, redis and nats)',
    async () => {
      const offered = {
        'telemetryx-brain': offeredBy(await services!.brain(), DRIFT_LABELS),
        'telemetryx-central': offeredBy(await services!.central()),
      }
      for (const [uid, known] of Object.entries(offered)) {
        const own = all.filter(({ of }) => of === uid)
        expect(own.length).toBeGreaterThan(15)
        for (const { expr, where } of own) expect(unknownIn(chosen(expr), known), where).toEqual([])
      }
    },
  )

  it('use every variable that they have, and no other', () => {
    for (const { templating, panels: own, uid } of dashboards) {
      const used = own.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/(?<=\$)\w+/g) ?? []))
      expect([...new Set(used)].toSorted(), uid).toEqual(templating.list.map(({ name }) => name).toSorted())
    }
  })

  it('name in their legends only labels that their queries keep', () => {
    for (const { expr, legendFormat } of panels.flatMap(({ targets }) => targets)) {
      const [, kept] = /^(?:sum|histogram_quantile\([\d.]+, sum) by \(([^)]*)\)/.exec(expr) ?? []
      if (kept === undefined) continue
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(kept.split(', '), expr).toContain(label)
    }
  })

  it('show every metric of readings, devices, store and uplinks somewhere', async () => {
    const shown = ofGateways.map(({ expr }) => expr).join('\n')
    const names = [...(await gateway!.metrics()).matchAll(/^# TYPE (telemetryx_\S+)/gm)].map(([, name]) => name!)
    const hidden = names.filter((name) => !shown.includes(name))
    expect(hidden.toSorted()).toEqual([
      'telemetryx_broker_clients',
      'telemetryx_broker_messages_total',
      'telemetryx_broker_refused_total',
      'telemetryx_source_times_rejected_total',
    ])
  })
})

/** Names of metrics that the manual does not tell; `telemetryx_brain_` and `telemetryx_central_` stand above their tables. */
function untold(metrics: string): string[] {
  const files = ['docs/contract.md', 'docs/monitoring.md', 'src/broker/README.md']
  const manual = files.map((file) => readFileSync(join(PACKAGE_ROOT, file), 'utf8')).join('\n')
  const names = [...metrics.matchAll(/^# TYPE (telemetryx_\S+)/gm)].map(([, name]) => name!)
  expect(names.length).toBeGreaterThan(15)
  return names.filter((name) => {
    const short = name.replace(/^telemetryx_(brain|central)_/, '')
    return !new RegExp(`\`(${name}|${short})\\b`).test(manual)
  })
}

describe('the manual', () => {
  it('tells every metric of a gateway', async () => {
    expect(untold(await gateway!.metrics())).toEqual([])
  })

  it.skipIf(!hasBacking)('tells every metric of brain and central (needs postgresql, redis and nats)', async () => {
    expect(untold(await services!.brain())).toEqual([])
    expect(untold(await services!.central())).toEqual([])
  })
})

describe.skipIf(!hasPrometheus)('the queries of the dashboards (needs prometheus)', () => {
  it('are PromQL', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-queries-'))
    const check = (expressions: readonly string[]) => {
      const rules = expressions.map((expr, at) => ({ record: `query:${at}`, expr: chosen(expr) }))
      writeFileSync(join(folder, 'rules.yml'), stringify({ groups: [{ name: 'queries', rules }] }))
      return run('promtool', ['check', 'rules', join(folder, 'rules.yml')])
    }
    try {
      const outcome = await check(all.map(({ expr }) => expr))
      expect(outcome.stdout + outcome.stderr).toContain(`${all.length} rules found`)
      expect(outcome.code).toBe(0)
      expect((await check(['sum by (device (telemetryx_device_up)'])).code).not.toBe(0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it.skipIf(!hasBacking)(
    'are answered (needs postgresql, redis and nats)',
    async () => {
      const text = readFileSync(join(PROMETHEUS_FOLDER, 'prometheus.yml'), 'utf8')
      const targets = { 'telemetryx-gateway': new URL(gateway!.url).host, ...services!.targets }
      const prometheus = await startPrometheus(configurationFor(text, targets))
      try {
        await vi.waitFor(
          async () => {
            for (const { expr, where } of all) {
              const samples = await prometheus.query(chosen(expr))
              if (!MAY_BE_EMPTY.test(expr)) expect(samples, `${where}: ${chosen(expr)}`).not.toEqual([])
            }
          },
          { timeout: 90_000, interval: 250 },
        )
      } finally {
        await prometheus.stop()
      }
    },
    120_000,
  )
})
