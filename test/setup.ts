// Runs before each test file. Property tests draw new cases in every run on a developer's machine; a gate must answer the same for
// the same commit, so `.ci/run` fixes the seed. TELEMETRYX_SEED repeats any run.

import fc from 'fast-check'

const seed = process.env['TELEMETRYX_SEED']
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) })
