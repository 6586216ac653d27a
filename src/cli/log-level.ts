// The option `--log-level` of commands that run for long.

import { Option } from 'commander'

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'least severity that is logged').choices(LOG_LEVELS).default('info')
}
