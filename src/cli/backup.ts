// `telemetryx backup`: the data of a gateway, running or not, in one file.

import { mkdtempSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { formatSize } from '#domain/units.ts'
import { backUp } from '#gateway/stored-data.ts'
import { yieldToTheGateway } from './beside-gateway.ts'
import { dataFolder, withDataFolder, type DataFolderOptions } from './data-folder.ts'
import { failure, outputFile, type OutputTarget } from './output-file.ts'
import { progressBar, progressLine } from './progress-line.ts'

interface BackupCommandOptions extends DataFolderOptions {
  readonly json?: true
}

export function registerBackup(program: Command): void {
  withDataFolder(
    program
      .command('backup')
      .summary('copy the data of a gateway, running or not, into one file')
      .description(
        'Copies the database as it is at one instant, users and tokens (auth.json) and the configuration into one file, ' +
          'which only its owner may read. The gateway runs on meanwhile. While it works, twice the room is needed.',
      )
      .argument('<file>', 'file to write, a tar archive')
      .option('--json', 'print the result as JSON'),
  )
    .addHelpText('after', '\nExample:\n  telemetryx backup /mnt/backup/edge-01.tar')
    .action(runBackup)
}

async function runBackup(file: string, options: BackupCommandOptions): Promise<void> {
  const { dir, configFile, sensorFiles } = dataFolder(options)
  yieldToTheGateway()
  const progress = progressLine()
  const work = workFolder(file)
  let output: OutputTarget | null = null
  try {
    output = await outputFile(file, { mode: 0o600 })
    const { manifest, leftOut } = await backUp({
      dataDir: dir,
      configFile,
      sensorFiles,
      workDir: work.path,
      now: Date.now(),
      output,
      onProgress: (done, total) => progress.show(() => `copying the database ${progressBar(done, total)}`),
    })
    await output.finish()
    progress.clear()
    const names = manifest.files.map(({ name }) => name)
    if (options.json)
      console.log(JSON.stringify({ file, bytes: output.bytes, epoch: manifest.epoch, files: names, leftOut }))
    else console.log(`${file}: ${readableSize(output.bytes)}, ${namesInShort(names)}`)
    if (configFile === null) console.error('Without a configuration: name it with -c to have it in the backup')
    for (const path of leftOut)
      console.error(`Not in the backup, because it does not lie beside the configuration: ${path}`)
  } catch (error) {
    progress.clear()
    await output?.abandon()
    throw error
  } finally {
    work.remove()
  }
}

/** A folder beside the target that only its owner may enter; gone when the command ends, also by Ctrl-C. */
function workFolder(file: string): { readonly path: string; remove(): void } {
  try {
    const path = mkdtempSync(`${resolve(file)}.work-`)
    const remove = (): void => {
      process.off('exit', remove)
      rmSync(path, { recursive: true, force: true })
    }
    process.on('exit', remove)
    return { path, remove }
  } catch (error) {
    throw failure(dirname(resolve(file)), error)
  }
}

/** What a backup holds, for people: its revisions of the configuration, up to hundreds, are counted. */
export function namesInShort(names: readonly string[]): string {
  const others = names.filter((name) => !name.startsWith('configuration/'))
  const revisions = names.length - others.length
  if (revisions > 0) others.push(revisions === 1 ? '1 revision' : `${revisions} revisions`)
  return others.join(', ')
}

/** `12.3 MiB`; exact units stay exact. */
export function readableSize(bytes: number): string {
  if (bytes < 1024) return formatSize(bytes)
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`
}
