import { once } from 'node:events'
import { expect, it } from 'vitest'
import { beginStoreWorker } from '#store/store-worker.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

it('opens a store in a thread that was begun before, and ends it with the store', async () => {
  using folder = temporaryFolder()
  const worker = beginStoreWorker()
  const exited = once(worker, 'exit')
  const { store } = await openTestStore(folder.path, { worker })
  expect(store.epoch).toBe(1)
  expect(await store.registerSensors([{ id: 'd.a', valueType: 'number' }])).toHaveLength(1)
  await store.close()
  expect(await exited).toEqual([0])
})

it('opens it in another thread when that one has ended', async () => {
  using folder = temporaryFolder()
  const worker = beginStoreWorker()
  await worker.terminate()
  const { store } = await openTestStore(folder.path, { worker })
  expect(store.epoch).toBe(1)
  await store.close()
})

it('says as ever what keeps a store from being opened', async () => {
  using folder = temporaryFolder()
  const { store } = await openTestStore(folder.path)
  await expect(openTestStore(folder.path, { worker: beginStoreWorker() })).rejects.toMatchObject({
    code: 'STORE_LOCKED',
  })
  await store.close()
})
