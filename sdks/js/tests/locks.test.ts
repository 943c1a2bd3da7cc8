/** Who holds a lock holds it alone, whatever the others do, and nobody holds it for ever. */
import { expect, test } from 'vitest'
import { inTurn, leaseLock, memoryStorage, webLock } from '../src/index.js'
import type { Lock } from '../src/index.js'

const soon = (milliseconds: number): Promise<void> => new Promise(done => setTimeout(done, milliseconds / 10))
const options = { now: () => Date.now() * 10, sleep: soon, random: Math.random }

async function mostAtOnce(locks: Lock[]): Promise<number> {
  let [inside, most] = [0, 0]
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside)
    await soon(60)
    inside -= 1
  }
  await Promise.all(locks.flatMap(lock => [lock(work), lock(work)]))
  return most
}

test('turns within a page, a lease between tabs, and Web Locks let one in at a time', async () => {
  const storage = memoryStorage()
  const tabs = Array.from({ length: 5 }, () => leaseLock('lease', storage, options))
  const turn = inTurn()
  const web = webLock('name', { request: (_, work) => turn(work) })

  expect(await Promise.all([mostAtOnce([inTurn()]), mostAtOnce(tabs), mostAtOnce([web, web])])).toEqual([1, 1, 1])
  expect(storage.read('lease')).toBe(null)
})

test('two tabs that both found the lease free, as two processes can, do not both hold it', async () => {
  const storage = memoryStorage()
  let stale = 2
  const racing = { ...storage, read: (key: string) => (stale-- > 0 ? null : storage.read(key)) }

  expect(await mostAtOnce([leaseLock('lease', racing, options), leaseLock('lease', racing, options)])).toBe(1)
})

test.each([
  ['turns', inTurn()],
  ['a lease', leaseLock('lease', memoryStorage(), options)]
])('%s: what fails inside is the caller’s, and the next comes in', async (_, lock) => {
  await expect(lock(async () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  expect(await lock(async () => 'next')).toBe('next')
})

test('a holder that is gone is waited for no longer than its lease', async () => {
  const storage = memoryStorage()
  let now = 1000
  const sleep = async (): Promise<void> => {
    if ((now += 100) > 10_000) throw new Error('waited for ever')
  }
  const lock = leaseLock('lease', storage, { now: () => now, sleep, random: Math.random, milliseconds: 5000 })
  storage.write('lease', 'gone 4000')

  expect(await lock(async () => now)).toBeGreaterThanOrEqual(4000)
})

test('a lease from a clock that ran ahead holds nobody up', async () => {
  const storage = memoryStorage()
  storage.write('lease', 'ahead 99999999')
  let slept = 0
  const sleep = async (): Promise<void> => {
    if (++slept > 100) throw new Error('waited for ever')
  }
  const lock = leaseLock('lease', storage, { now: () => 1000, sleep, random: Math.random })

  await lock(async () => undefined)
  expect(slept).toBe(1)
})

test('who was too slow does not take away the lease of the next', async () => {
  const storage = memoryStorage()
  const lock = leaseLock('lease', storage, options)
  await lock(async () => storage.write('lease', 'next 1'))

  expect(storage.read('lease')).toBe('next 1')
})
