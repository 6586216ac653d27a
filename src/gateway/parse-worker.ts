// The thread of parseInThread: reads one configuration, answers, ends.

import { parentPort, workerData } from 'node:worker_threads'
import { parseGatewayConfig } from '#config/load.ts'
import { systemClock } from '#kit/clock.ts'
import { createCatalogue } from './catalogue.ts'
import { loadDrivers } from './driver-packages.ts'
import type { ParseWorkerData } from './parse-configuration.ts'

const { file, text, files, env, dataDir, drivers, folder } = workerData as ParseWorkerData
const catalogue = createCatalogue({ clock: systemClock })
const known = new Map(catalogue.drivers)
for (const { driver } of await loadDrivers(drivers, { clock: systemClock, folder })) known.set(driver.kind, driver)
const texts = new Map(files.map((named) => [named.path, named.text]))
const options = { file, env, dataDir, catalogue: { ...catalogue, drivers: known } }
parentPort?.postMessage(parseGatewayConfig(text, { ...options, fileText: (path) => texts.get(path) }))
