// Reads a Dockerfile, and judges it by the rules of our images. No engine and no linter of npm's that is still kept is at hand,
// so the rules are ours: few, and each proven by a planted fault.

export interface Instruction {
  readonly name: string
  /** As written, continuation lines joined. */
  readonly text: string
}

export interface Stage {
  readonly name: string
  /** An image, or an earlier stage. */
  readonly from: string
  readonly instructions: readonly Instruction[]
}

/** Throws when an instruction stands before the first FROM, or is none that Docker knows. */
export function stagesOf(dockerfile: string): Stage[] {
  const stages: { name: string; from: string; instructions: Instruction[] }[] = []
  const joined = dockerfile.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, ' ')
  for (const line of joined.split('\n').filter((text) => text.trim() !== '')) {
    const [, name = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (!KNOWN.has(name)) throw new Error(`Not an instruction: ${line}`)
    if (name === 'FROM') {
      const [, from = '', stage = ''] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(text) ?? []
      stages.push({ name: stage, from, instructions: [] })
    } else if (stages.length === 0) throw new Error(`Before the first FROM: ${line}`)
    else stages.at(-1)!.instructions.push({ name, text })
  }
  return stages
}

const KNOWN = new Set(
  'FROM RUN CMD LABEL EXPOSE ENV ADD COPY ENTRYPOINT VOLUME USER WORKDIR ARG STOPSIGNAL HEALTHCHECK'.split(' '),
)

/** All instructions of a stage, those of the stages that it is made from first. */
export function inherited(stages: readonly Stage[], name: string): Instruction[] {
  const stage = stages.find((one) => one.name === name)
  return stage === undefined ? [] : [...inherited(stages, stage.from), ...stage.instructions]
}

/** What is wrong with the images of these targets. */
export function imageProblems(dockerfile: string, targets: readonly string[]): string[] {
  const stages = stagesOf(dockerfile)
  const names = new Set(stages.map(({ name }) => name))
  const everywhere = stages.flatMap((stage) => stageProblems(stage, names))
  return [...everywhere, ...targets.flatMap((target) => targetProblems(stages, target))]
}

function stageProblems({ name, from, instructions }: Stage, stages: ReadonlySet<string>): string[] {
  const problems: string[] = []
  if (!stages.has(from) && !/:\d[\w.]*\d(?:-[\w.]+)*$/.test(from))
    problems.push(`${name}: ${from} is not pinned to a version`)
  for (const { name: instruction, text } of instructions) {
    if (instruction === 'ADD') problems.push(`${name}: ADD fetches and unpacks; COPY does not`)
    if (instruction === 'COPY' && /(^|\s)\.\/?\s/.test(text.replace(/--\S+/g, '')))
      problems.push(`${name}: copies everything`)
    if (['ARG', 'ENV'].includes(instruction) && /passw|secret|token|key|credential/i.test(text))
      problems.push(`${name}: ${instruction} stays in the image: ${text}`)
    if (instruction === 'RUN' && /\b(curl|wget|sudo)\b/.test(text))
      problems.push(`${name}: fetches past the lock file: ${text}`)
    if (instruction === 'RUN' && /\bnpm (i|install|add)\b/.test(text))
      problems.push(`${name}: npm ci keeps to the lock file: ${text}`)
    if (['CMD', 'ENTRYPOINT'].includes(instruction) && !text.startsWith('["'))
      problems.push(`${name}: ${instruction} goes through a shell, which takes no signals`)
  }
  return problems
}

function targetProblems(stages: readonly Stage[], target: string): string[] {
  const all = inherited(stages, target)
  const last = (wanted: string): string | undefined => all.findLast(({ name }) => name === wanted)?.text
  const problems: string[] = []
  if (!/^[1-9]\d*:[1-9]\d*$/.test(last('USER') ?? '')) problems.push(`${target}: runs as ${last('USER') ?? 'root'}`)
  const health = last('HEALTHCHECK')
  if (health === undefined || !/CMD \["/.test(health)) problems.push(`${target}: has no HEALTHCHECK`)
  if (last('EXPOSE') === undefined) problems.push(`${target}: exposes nothing`)
  if (all.some(({ name, text }) => name === 'RUN' && text.includes('npm')))
    problems.push(`${target}: is built where it runs`)
  if (!all.some(({ name, text }) => name === 'COPY' && text.startsWith('--from=')))
    problems.push(`${target}: is of one stage`)
  return problems
}
