import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ScheduledTask, TaskHeap } from '#acquisition/task-heap.ts'

describe('the task heap', () => {
  it('gives tasks in order of time, then of arrival, through any puts, moves and removals', () => {
    const step = fc.record({ task: fc.nat(15), at: fc.nat(20), isRemoval: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const heap = new TaskHeap()
        const tasks = Array.from({ length: 16 }, () => new ScheduledTask(() => {}))
        let model: { task: ScheduledTask; at: number }[] = []
        for (const { task: n, at, isRemoval } of steps) {
          const task = tasks[n]!
          model = model.filter((entry) => entry.task !== task)
          if (isRemoval) heap.remove(task)
          else {
            heap.put(task, at)
            model.push({ task, at })
          }
        }
        const drained: ScheduledTask[] = []
        for (let task = heap.peek(); task !== undefined; task = heap.peek()) {
          drained.push(task)
          heap.remove(task)
        }
        expect(drained).toEqual(model.toSorted((a, b) => a.at - b.at).map(({ task }) => task))
        expect(tasks.every(({ position }) => position === -1)).toBe(true)
      }),
    )
  })
})
