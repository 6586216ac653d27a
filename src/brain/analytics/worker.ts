// Entry of the analytics threads.

import { TRAINING_JOBS } from '../models/training-jobs.ts'
import { ANALYSIS_JOBS } from './jobs.ts'
import { serveJobs } from './serve-jobs.ts'

serveJobs({ ...ANALYSIS_JOBS, ...TRAINING_JOBS })
