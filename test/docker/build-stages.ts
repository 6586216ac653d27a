// Carries out a Dockerfile's steps in plain folders, as far as that goes without an engine: COPY from the context and from
// other stages, RUN in the folder that WORKDIR names. Base images are empty folders; what needs their programs is left out and told.

import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { isInContext } from './build-context.ts'
import type { Instruction, Stage } from './dockerfile.ts'

export interface BuildOptions {
  readonly stages: readonly Stage[]
  /** A copy of the repository. */
  readonly context: string
  readonly dockerignore: string
  /** One folder for each stage is made in it. */
  readonly folder: string
  /** Carries a RUN out, or answers false to leave it out. */
  readonly run: (command: string, folder: string, stage: string) => boolean
}

export interface Built {
  /** RUN steps that were left out. */
  readonly leftOut: readonly string[]
}

export function buildStages(options: BuildOptions): Built {
  const leftOut: string[] = []
  const workdirs = new Map<string, string>()
  for (const stage of options.stages) {
    const root = join(options.folder, stage.name)
    const base = join(options.folder, stage.from)
    mkdirSync(root, { recursive: true })
    if (existsSync(base)) execFileSync('cp', ['-al', `${base}/.`, root])
    let workdir = workdirs.get(stage.from) ?? '/'
    for (const step of stage.instructions) {
      if (step.name === 'WORKDIR') mkdirSync(join(root, (workdir = step.text)), { recursive: true })
      if (step.name === 'COPY') copy(step, root, workdir, options)
      if (step.name === 'RUN' && !options.run(step.text, join(root, workdir), stage.name)) leftOut.push(step.text)
    }
    workdirs.set(stage.name, workdir)
  }
  return { leftOut }
}

function copy(
  { text }: Instruction,
  root: string,
  workdir: string,
  { context, folder, dockerignore }: BuildOptions,
): void {
  const [, from] = /--from=(\S+)/.exec(text) ?? []
  const words = text.replace(/--\S+\s+/g, '').split(/\s+/)
  const to = words.at(-1)!
  const target = to.startsWith('/') ? join(root, to) : join(root, workdir, to)
  for (const source of words.slice(0, -1)) {
    const path = from === undefined ? join(context, source) : join(folder, from, source)
    if (!statSync(path).isDirectory()) put(path, to.endsWith('/') ? join(target, basename(source)) : target)
    else if (from !== undefined) execFileSync('cp', ['-al', path, target])
    else
      for (const file of filesIn(path))
        if (isInContext(dockerignore, join(source, file))) put(join(path, file), join(target, file))
  }
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

function put(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(source, target)
  chmodSync(target, statSync(source).mode)
}

/** Hard links of a folder, which cost neither time nor room. */
export function linkTree(from: string, to: string): void {
  try {
    execFileSync('cp', ['-al', from, to], { stdio: 'ignore' })
  } catch {
    cpSync(from, to, { recursive: true, verbatimSymlinks: true }) // another file system
  }
}
