// The alerting rules: what they say (promtool's own unit tests), and that they ask for what gateway, brain and central really offer.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { run } from '#test/cli/run-command.ts'
import { configurationFor, hasPrometheus, PROMETHEUS_FOLDER, startPrometheus } from './prometheus-server.ts'
import type { Prometheus } from './prometheus-server.ts'
import { labelsIn, offeredBy, seriesIn, unknownIn } from './queries.ts'
import { startWatchedGateway, type WatchedGateway } from './watched-gateway.ts'
import { DRIFT_LABELS, hasBacking, startWatchedServices, type WatchedServices } from './watched-services.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

/** A file of rules and the file of its unit tests. */
class RuleFile {
  readonly name: string
  readonly path: string
  readonly testsPath: string
  readonly text: string
  readonly testsText: string
  readonly rules: readonly Rule[]

  constructor(name: string, tests: string) {
    this.name = name
    this.path = join(PROMETHEUS_FOLDER, 'rules', name)
    this.testsPath = join(PACKAGE_ROOT, 'test', 'appliance', 'prometheus', tests)
    this.text = readFileSync(this.path, 'utf8')
    this.testsText = readFileSync(this.testsPath, 'utf8')
    this.rules = (parse(this.text) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules)
  }
}

const ofGateways = new RuleFile('telemetryx.yml', 'rules.test.yml')
const ofServices = new RuleFile('telemetryx-services.yml', 'services.test.yml')
const files = [ofGateways, ofServices]
const rules = files.flatMap((file) => file.rules)
/** Of services, while all is well. */
const QUIET = ['TelemetryxServiceDown', 'TelemetryxDatabaseAway', 'TelemetryxRedisAway', 'TelemetryxNatsAway']
/** Only there once a model is in use, or something has gone wrong that cannot be made to here. */
const MAY_BE_ABSENT = ['telemetryx_brain_model_drift', 'telemetryx_central_audit_lost_total']
const eventually = { timeout: 60_000, interval: 100 }

let gateway: WatchedGateway | undefined
let services: WatchedServices | undefined
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-alerts-'))
  gateway = await startWatchedGateway()
  if (hasBacking) services = await startWatchedServices()
}, 240_000)
afterAll(async () => {
  await gateway?.stop()
  await services?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

describe('an expression', () => {
  it('is taken apart into series and labels', () => {
    const expression = `histogram_quantile(0.99, sum by (instance, le) (rate(a_bucket{device=~"x(y)",kind!="z"}[5m])))
      / on (job) group_left b:c > 1e3 and up`
    expect(seriesIn(expression)).toEqual(['a_bucket', 'b:c', 'up'])
    expect(labelsIn(expression)).toEqual(['device', 'kind', 'instance', 'le', 'job'])
  })
})

describe('the alerts', () => {
  it('ask only for series and labels that a gateway has', async () => {
    const offered = offeredBy(await gateway!.metrics())
    for (const { alert, expr } of ofGateways.rules) expect(unknownIn(expr, offered), alert).toEqual([])
    expect(unknownIn('telemetryx_uplink_upp{uplnk="hq"} == 0', offered)).toEqual(['telemetryx_uplink_upp', 'uplnk'])
  })

  it.skipIf(!hasBacking)(
    'ask only for series and labels that brain and central have (needs postgresql, redis and nats)',
    async () => {
      const offered = offeredBy(`${await services!.brain()}\n${await services!.central()}`, DRIFT_LABELS)
      for (const { alert, expr } of ofServices.rules) expect(unknownIn(expr, offered), alert).toEqual([])
      expect(unknownIn('telemetryx_central_batchs_total{code="x"}', offered)).toEqual([
        'telemetryx_central_batchs_total',
      ])
    },
  )

  it.each(files)('of $name are each tested, described and of a known severity', (file) => {
    for (const { alert, labels, annotations } of file.rules) {
      expect(file.testsText, `${alert} has no test`).toMatch(
        new RegExp(`alertname: ${alert}\\n\\s+exp_alerts:\\n\\s+- exp_labels`),
      )
      expect(['critical', 'warning']).toContain(labels.severity)
      expect(Object.keys(annotations)).toEqual(['summary', 'description'])
    }
  })

  it('are each explained in docs/monitoring.md, and no other', () => {
    const manual = readFileSync(join(PACKAGE_ROOT, 'docs', 'monitoring.md'), 'utf8')
    const explained = [...manual.matchAll(/`(Telemetryx\w+)`/g)].map(([, name]) => name!)
    expect([...new Set(explained)].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
  })
})

describe('docs/monitoring.md', () => {
  /** The names in the first column of the table headed by `prefix…`. */
  function documented(prefix: string): string[] {
    const manual = readFileSync(join(PACKAGE_ROOT, 'docs', 'monitoring.md'), 'utf8')
    const [, table = ''] = manual.split(`\`${prefix}…\` | what it says |\n`)
    const rows = table.split('\n\n')[0]!.split('\n').slice(1)
    return rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`(\w+)/g)].map(([, name]) => prefix + name!))
  }

  it.skipIf(!hasBacking)(
    'names only metrics that brain and central have (needs postgresql, redis and nats)',
    async () => {
      for (const [prefix, page] of [
        ['telemetryx_brain_', await services!.brain()],
        ['telemetryx_central_', await services!.central()],
      ] as const) {
        const names = documented(prefix)
        expect(names.length).toBeGreaterThan(15)
        for (const name of names) expect(page).toContain(`# TYPE ${name} `)
      }
    },
  )
})

describe.skipIf(!hasPrometheus)('promtool (needs prometheus)', () => {
  it('finds nothing to say about the metrics of a gateway', async () => {
    expect(await lint(await gateway!.metrics())).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const bad = await lint('# TYPE readings counter\nreadings 1\n')
    expect(bad.code).not.toBe(0)
    expect(bad.stdout + bad.stderr).toContain('_total')
  })

  it.skipIf(!hasBacking)(
    'finds nothing to say about those of brain and central (needs postgresql, redis and nats)',
    async () => {
      expect(await lint(await services!.brain())).toMatchObject({ code: 0, stdout: '', stderr: '' })
      expect(await lint(await services!.central())).toMatchObject({ code: 0, stdout: '', stderr: '' })
    },
  )

  it('accepts the configuration, and the rules that it names', async () => {
    const outcome = await run('promtool', [
      'check',
      'config',
      '--syntax-only',
      join(PROMETHEUS_FOLDER, 'prometheus.yml'),
    ])
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 })
    for (const file of files) {
      const checked = await run('promtool', ['check', 'rules', file.path])
      expect(checked.stdout).toContain(`${file.rules.length} rules found`)
    }
  })

  it.each(files)('sees each alert of $name raised for what it is named after, and for nothing else', async (file) => {
    const outcome = await run('promtool', ['test', 'rules', file.testsPath])
    expect(outcome, outcome.stdout + outcome.stderr).toMatchObject({ code: 0 })
  })

  it.each([
    {
      file: ofGateways,
      right: 'telemetryx_device_up == 0',
      wrong: 'telemetryx_device_up == 1',
      alert: 'TelemetryxDeviceDown',
    },
    {
      file: ofServices,
      right: 'telemetryx_central_nats_up == 0',
      wrong: 'telemetryx_central_nats_up == 1',
      alert: 'TelemetryxNatsAway',
    },
  ])('would notice that $alert is wrong', async ({ alert, file, right, wrong }) => {
    const path = join(folder, file.name)
    writeFileSync(path, file.text.replace(right, wrong))
    const tests = join(folder, 'tests.yml')
    writeFileSync(tests, file.testsText.replace(`../../../docker/prometheus/rules/${file.name}`, path))
    const outcome = await run('promtool', ['test', 'rules', tests])
    expect(outcome.code).toBe(1)
    expect(outcome.stdout + outcome.stderr).toContain(alert)
  })

  function lint(page: string) {
    const file = join(folder, 'metrics.txt')
    writeFileSync(file, page)
    return run('sh', ['-c', `promtool check metrics < ${file}`])
  }
})

const canWatchAll = hasPrometheus && hasBacking
describe.skipIf(!canWatchAll)('a Prometheus that scrapes a site (needs prometheus, postgresql, redis and nats)', () => {
  let prometheus: Prometheus
  beforeAll(async () => {
    const text = readFileSync(join(PROMETHEUS_FOLDER, 'prometheus.yml'), 'utf8')
    const targets = { 'telemetryx-gateway': new URL(gateway!.url).host, ...services!.targets }
    prometheus = await startPrometheus(configurationFor(text, targets))
    await vi.waitFor(async () => expect(await prometheus.query('up == 1')).toHaveLength(3), eventually)
  }, 120_000)
  afterAll(() => prometheus.stop())

  it('has every series that the rules ask for', async () => {
    const wanted = [...new Set(rules.flatMap(({ expr }) => seriesIn(expr)))].filter(
      (name) => !MAY_BE_ABSENT.includes(name),
    )
    expect(wanted.length).toBeGreaterThan(25)
    await vi.waitFor(async () => {
      for (const name of wanted) expect(await prometheus.query(name), name).not.toEqual([])
    }, eventually)
  }, 90_000)

  it('evaluates every rule, and sees the device and the receiver that are away', async () => {
    interface Evaluated {
      readonly name: string
      readonly health: string
      readonly lastError?: string
      readonly alerts: { readonly labels: Record<string, string> }[]
    }
    await vi.waitFor(async () => {
      const { groups } = await prometheus.get<{ groups: { rules: Evaluated[] }[] }>('rules')
      const evaluated = groups.flatMap((group) => group.rules)
      expect(evaluated.map(({ name }) => name).toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
      for (const { name, health, lastError } of evaluated) expect(health, `${name}: ${lastError}`).toBe('ok')
      const raised = new Map(evaluated.map(({ name, alerts }) => [name, alerts.map(({ labels }) => labels)]))
      expect(raised.get('TelemetryxDeviceDown')).toEqual([expect.objectContaining({ device: 'press-2' })])
      expect(raised.get('TelemetryxUplinkDown')).toEqual([expect.objectContaining({ uplink: 'hq' })])
      for (const quiet of ['TelemetryxGatewayDown', 'TelemetryxDataLost', 'TelemetryxRingFilling', ...QUIET])
        expect(raised.get(quiet), quiet).toEqual([])
    }, eventually)
  }, 90_000)
})
