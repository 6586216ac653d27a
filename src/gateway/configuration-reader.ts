// Reads texts as configurations of one gateway: relative paths, references and drivers as its own file has them.

import type { GatewayConfig } from '#config/gateway-config.ts'
import { GatewayFileSchema } from '#config/gateway-schema.ts'
import type { Catalogue, LoadResult, NamedFile } from '#config/load.ts'
import type { Outline } from '#config/outline.ts'
import type { ImportedSensors, TextProblem } from '#domain/configuration.ts'
import { TelemetryError } from '#domain/errors.ts'
import { importSensors } from './import-sensors.ts'
import { maskSecrets, unmaskSecrets } from './masked-text.ts'
import type { ParseJob } from './parse-configuration.ts'
import { schemasOf, secretKeys } from './redaction.ts'

/** A configuration that was read without problems, with what it was read from. */
export interface LoadedConfiguration {
  readonly config: GatewayConfig
  readonly outline: Outline
  readonly text: string
  readonly files: readonly NamedFile[]
}

/** Where the configuration of a gateway came from. */
export interface ConfigurationSource {
  /** Absolute path of the file. */
  readonly file: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly loaded: Omit<LoadedConfiguration, 'config'>
}

export interface ConfigurationReaderOptions {
  readonly source: ConfigurationSource
  readonly catalogue: Catalogue
  /** Of the running gateway, whatever a text says: it may have been given on the command line, and another needs a restart. */
  readonly dataDir: string
  /** parseInThread, or what stands for it. */
  readonly parse: (job: ParseJob) => Promise<LoadResult<GatewayConfig>>
  readonly drivers: readonly string[]
}

export class ConfigurationReader {
  readonly #options: ConfigurationReaderOptions
  readonly #secretKeys: ReadonlySet<string>
  #parsing: Promise<unknown> = Promise.resolve()

  constructor(options: ConfigurationReaderOptions) {
    this.#options = options
    this.#secretKeys = secretKeys([...schemasOf(options.catalogue), GatewayFileSchema])
  }

  async problems(text: string): Promise<readonly TextProblem[]> {
    const parsed = await this.#parse(text, [])
    return parsed.ok ? [] : parsed.problems
  }

  /** As it may be read by others. */
  masked(text: string): string {
    return maskSecrets(text, this.#secretKeys)
  }

  /** A text that others may have read masked, with the secrets of `present`. Throws CONFIG_INVALID with `problems`. */
  unmasked(text: string, present: string): string {
    const unmasked = unmaskSecrets(text, present, { keys: this.#secretKeys, file: this.#options.source.file })
    if (unmasked.ok) return unmasked.text
    throw invalid(unmasked.problems)
  }

  /** `files` stand for those on disk. Throws CONFIG_INVALID with `problems`. */
  async read(text: string, files: readonly NamedFile[] = []): Promise<LoadedConfiguration> {
    const parsed = await this.#parse(text, files)
    if (parsed.ok) {
      const config = { ...parsed.config, data: this.#options.dataDir }
      return { config, outline: parsed.outline, text: parsed.text, files: parsed.files }
    }
    throw invalid(parsed.problems)
  }

  /** Throws NOT_FOUND. */
  importSensors(device: string, csv: string, { devices }: GatewayConfig): ImportedSensors {
    const kind = devices.find(({ id }) => id === device)?.driver ?? ''
    const driver = this.#options.catalogue.drivers.get(kind)
    if (!driver) throw new TelemetryError('NOT_FOUND', `There is no device ${device}`)
    return importSensors(csv, driver)
  }

  /** One text at a time, so that many who ask do not take all of the machine. */
  #parse(text: string, files: readonly NamedFile[]): Promise<LoadResult<GatewayConfig>> {
    const { source, dataDir, parse, drivers } = this.#options
    const job = { file: source.file, text, files, env: source.env, dataDir, drivers }
    const parsed = this.#parsing.then(() => parse(job))
    this.#parsing = parsed.catch(() => {})
    return parsed
  }
}

function invalid(problems: readonly TextProblem[]): TelemetryError {
  const [first] = problems
  const more = problems.length > 1 ? ` and ${problems.length - 1} more` : ''
  return new TelemetryError('CONFIG_INVALID', `line ${first?.line}: ${first?.message}${more}`, {
    context: { problems },
  })
}
