// Imported first by the gateway under soak, which else is as it is installed. On SIGUSR2 it collects its garbage, so that what is still
// there is what it holds. With `--leak` it takes so many bytes a second and never gives them back: the run that has it must fail.

import v8 from 'node:v8'
import vm from 'node:vm'
import { isMainThread } from 'node:worker_threads'

const TICK_MS = 100
const NUMBER_BYTES = 8
const leak = Number(process.env.TELEMETRYX_SOAK_LEAK)
const kept = []

if (isMainThread) {
  v8.setFlagsFromString('--expose-gc')
  const collect = vm.runInNewContext('gc')
  process.on('SIGUSR2', () => collect())
  let taken = performance.now()
  const lose = () => {
    const now = performance.now()
    const bytes = (leak * (now - taken)) / 1000 // a busy machine's timers are late
    taken = now
    kept.push(Array.from({ length: Math.round(bytes / NUMBER_BYTES) }, (_, at) => at + 0.5))
  }
  if (leak > 0) setInterval(lose, TICK_MS).unref()
}
