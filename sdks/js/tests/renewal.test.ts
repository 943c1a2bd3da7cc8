/** Tokens are renewed once for all who wait, in all tabs; a session ends once. */
import { beforeEach, describe, expect, test } from 'vitest'
import { LingpaiError, NoAnswer, Oppmg, SignedOut, inTurn, leaseLock, memoryStorage } from '../src/index.js'
import type { OppmgOptions, Storage } from '../src/index.js'
import { Office } from './office.js'

let office: Office
let shared: Storage & { changed(): void }
let ended: string[]

/** A storage that tells its watchers, as localStorage tells other tabs. */
function tabsStorage(): typeof shared {
  const kept = memoryStorage()
  const watchers: (() => void)[] = []
  return {
    ...kept,
    watch(_, changed) {
      watchers.push(changed)
      return () => undefined
    },
    changed: () => watchers.forEach(changed => changed())
  }
}

const soon = (milliseconds: number): Promise<void> => new Promise(done => setTimeout(done, milliseconds / 100))

function tab(options: Partial<OppmgOptions> = {}): Oppmg {
  return new Oppmg({
    base: 'http://office/oppmg',
    transport: office.transport,
    storage: shared,
    lock: leaseLock('lease', shared, { now: () => office.now, sleep: soon, random: Math.random }),
    now: () => office.now,
    sleep: soon,
    onSignedOut: reason => ended.push(reason),
    ...options
  })
}

beforeEach(() => {
  office = new Office()
  shared = tabsStorage()
  ended = []
})

async function signedIn(options?: Partial<OppmgOptions>): Promise<Oppmg> {
  const api = tab(options)
  await api.login({ account: 'a', password: 'b' })
  office.rotations = 0
  return api
}

const fifty = (api: Oppmg): Promise<unknown>[] =>
  Array.from({ length: 25 }, (_, n) => api.call('notice', 'add', { title: String(n), content: '' }))

test('a pair that is due is renewed before the calls, once for fifty calls in two tabs', async () => {
  const [one, two] = [await signedIn(), tab()]
  office.now += 3000_000

  await Promise.all([...fifty(one), ...fifty(two)])

  expect([office.refreshes, office.rotations, office.done.length, ended]).toEqual([1, 1, 50, []])
})

test('a storage that no other tab can change holds the tokens and no lease', async () => {
  const written = new Set<string>()
  const kept = memoryStorage()
  const storage = { ...kept, write: (key: string, text: string) => (written.add(key), kept.write(key, text)) }
  const api = new Oppmg({ base: '', transport: office.transport, storage, now: () => office.now })
  await api.login({ account: 'a', password: 'b' })
  await api.refresh()

  expect([...written]).toEqual(['lingpai.oppmg'])
})

test('calls that wait for one renewal take its lock once', async () => {
  let taken = 0
  const turn = inTurn()
  const api = await signedIn({ lock: work => (taken++, turn(work)) })
  office.now += 3000_000

  await Promise.all(fifty(api))

  expect([taken, office.refreshes]).toEqual([1, 1])
})

test('where this device thinks that it is not due, 10026 renews: one rotation, every call done once, nobody signed out', async () => {
  const signedInAt = office.now
  await signedIn()
  office.now += 3000_000
  const told: unknown[] = []
  // A device whose clock stood still since then.
  const [first, second] = [tab({ now: () => signedInAt }), tab({ now: () => signedInAt })]
  first.onTokens(tokens => told.push(tokens))

  await Promise.all([...fifty(first), ...fifty(second)])

  expect([office.refreshes, office.rotations, office.done.length, ended]).toEqual([0, 1, 50, []])
  expect([first.tokens, told]).toEqual([office.pair(), [office.pair()]])
})

test('the device’s clock is not trusted: an hour off, a fresh pair is not renewed, and one that is due is', async () => {
  for (const off of [-3600_000, 3600_000]) {
    const api = await signedIn({ now: () => office.now + off })
    await api.info()
    expect(office.refreshes).toBe(0)
    office.now += 1780_000
    await api.info()
    expect(office.refreshes).toBe(1)
    office.refreshes = 0
  }
})

test('a page that was loaded anew knows from the storage how far the clock is off', async () => {
  await signedIn({ now: () => office.now + 3600_000 })
  await tab({ now: () => office.now + 3600_000 }).info()

  expect(office.refreshes).toBe(0)
})

describe('a lost answer', () => {
  test('to a renewal is asked for again, by the same token, and gives the same pair', async () => {
    const api = await signedIn()
    office.now += 1790_000
    office.lose = 2

    await api.info()

    expect([office.refreshes, office.rotations, ended]).toEqual([3, 1, []])
    const shown = office.seen.filter(({ url }) => url.endsWith('refresh_token')).map(({ headers }) => headers['x-mmm-refreshtoken'])
    expect(new Set(shown).size).toBe(1)
  })

  test('that stays lost leaves the old pair: while it lives calls go on, and the next tries again', async () => {
    const api = await signedIn()
    office.now += 1790_000
    office.lose = 3
    await api.info()
    expect([office.rotations, office.done.length]).toEqual([1, 1])

    await api.info()

    expect([office.rotations, ended, api.tokens]).toEqual([1, [], office.pair()])
  })

  test('to a call is the caller’s to judge: it may have been done', async () => {
    const api = await signedIn()
    office.lose = 1

    await expect(api.info()).rejects.toThrow(NoAnswer)
    expect([office.done.length, ended, api.signedIn]).toEqual([1, [], true])
  })

  test('to 10026 is survived: the next call shows the old pair and gets the new one', async () => {
    const api = await signedIn({ now: () => 0 })
    office.now += 3000_000
    const later = tab({ now: () => 0 })
    office.lose = 1
    await expect(later.info()).rejects.toThrow(NoAnswer)

    await later.info()

    expect([office.rotations, ended, api.tokens]).toEqual([1, [], office.pair()])
  })
})

describe('the end of a session', () => {
  test('is told once in each tab, with its reason, however many calls hear of it', async () => {
    const [one, two] = [await signedIn(), tab()]
    await two.info()
    office.over = 'kicked_out'

    const endings = await Promise.allSettled([...fifty(one), ...fifty(two)])
    shared.changed()

    expect(endings.every(each => each.status === 'rejected' && each.reason instanceof SignedOut)).toBe(true)
    expect(ended).toEqual(['kicked_out', 'kicked_out'])
    expect([one.signedIn, two.signedIn]).toEqual([false, false])
  })

  test('in one tab is heard by another that makes no call', async () => {
    const [one, two] = [await signedIn(), tab()]
    expect(two.signedIn).toBe(true)

    await one.logout()
    shared.changed()

    expect(ended).toEqual(['signed_out', 'signed_out'])
  })

  test('does not touch a sign-in that came after: a late 10024 tries the call again with what stands there now', async () => {
    const api = await signedIn()
    const slow = tab({
      transport: async (request, options) => {
        if (slow.tokens!.refresh_token === request.headers['x-mmm-refreshtoken'] && office.over) {
          const late = await office.transport(request, options)
          await api.login({ account: 'a', password: 'b' })
          return late
        }
        return office.transport(request, options)
      }
    })
    office.over = 'replaced'

    await slow.info()

    expect([ended, office.done.length, slow.signedIn]).toEqual([[], 1, true])
  })

  test('heard for tokens that are not the last leaves the session to those that are, however often', async () => {
    await signedIn()
    let answers = 0
    const unlucky = tab({
      transport: async () => {
        shared.write('lingpai.oppmg', JSON.stringify({ tokens: { ...office.pair(), refresh_token: `another ${++answers}` } }))
        return { status: 200, headers: {}, text: '{"code":"10024","msg":"","data":{"reason":"unknown"}}' }
      }
    })

    await expect(unlucky.info()).rejects.toThrow(SignedOut)
    expect([ended, answers, unlucky.signedIn]).toEqual([[], 3, true])
  })

  test('is told again when a page goes on without signing in', async () => {
    const api = await signedIn()
    office.over = 'expired'
    for (const _ of [1, 2]) await expect(api.info()).rejects.toMatchObject({ outcome: 'session_over' })

    expect(ended).toEqual(['expired', 'expired'])
  })

  test('by a refresh token that was used after its grace is one end, and its holder must sign in', async () => {
    const api = await signedIn()
    const old = shared.read('lingpai.oppmg')!
    await api.refresh()
    office.now += 31_000
    shared.write('lingpai.oppmg', old)

    await expect(api.refresh()).rejects.toThrow(SignedOut)
    expect(ended).toEqual(['unknown'])
  })
})

test('a change of company waits for a renewal, and a renewal for it: each shows the pair that the other brought', async () => {
  const api = await signedIn()
  const told: unknown[] = []
  api.onTokens(tokens => told.push(tokens))

  await Promise.all([api.refresh(), api.changeCompany(2), api.changeCompany(1)])

  const shown = office.seen.slice(1).map(({ headers }) => headers['x-mmm-refreshtoken'])
  expect([new Set(shown).size, office.rotations, told.length]).toEqual([3, 3, 3])
  expect(api.tokens).toEqual(office.pair())
})

test('signing out forgets the pair even where the server cannot be told, and says so', async () => {
  const api = await signedIn()
  office.lose = 1

  await expect(api.logout()).rejects.toThrow(NoAnswer)
  expect([api.signedIn, ended]).toEqual([false, ['signed_out']])
  await api.logout()
  expect(office.seen.filter(({ url }) => url.endsWith('logout')).length).toBe(1)
})

test('an older pair that arrives late does not replace a newer one', async () => {
  const api = await signedIn()
  let release = (): void => undefined
  const held = tab({
    now: () => 0,
    transport: async (request, options) => {
      const answer = await office.transport(request, options)
      await new Promise<void>(done => (release = done))
      return answer
    }
  })
  office.now += 3000_000
  const late = held.info()
  await soon(500)
  office.now += 1000
  await api.refresh()
  await api.refresh()
  const newest = api.tokens
  release()
  await soon(500)
  release()

  await late
  expect(api.tokens).toEqual(newest)
})

test('no error holds a token, a password or an address', async () => {
  const errors: LingpaiError[] = []
  const api = await signedIn()
  const pair = api.tokens!
  const broken = tab({ transport: async request => Promise.reject(new Error(`request:fail ${request.url}?token=${pair.access_token} "`)) })
  office.over = 'disabled'
  for (const call of [broken.info(), broken.login({ account: 'a', password: 'geheim' }), api.info()]) {
    await call.catch(error => errors.push(error))
  }

  const told = errors.map(error => `${JSON.stringify(error)} ${error.message} ${error.stack}`).join()
  for (const secret of [pair.access_token, pair.refresh_token, 'geheim']) expect(told).not.toContain(secret)
  expect(errors.map(({ outcome }) => outcome)).toEqual(['no_answer', 'no_answer', 'session_over'])
})

test('what goes over the wire is told to who asks, with the answer', async () => {
  const api = await signedIn()
  const wires: string[] = []
  const stop = api.onWire(wire => wires.push(`${wire.call} ${wire.request.method} ${wire.outcome} ${wire.answer?.status}`))
  await api.info()
  stop()
  await api.info()

  expect(wires).toEqual(['info GET ok 200'])
})

test('a renewal, for which others wait, is given up after ten seconds, other calls when they are told to', async () => {
  const patience: number[] = []
  const api = await signedIn({ timeoutSeconds: 60, transport: (request, options) => (patience.push(options.timeoutSeconds), office.transport(request, options)) })
  office.now += 3000_000
  await api.info({ timeoutSeconds: 5 })

  expect(patience).toEqual([60, 10, 5])
})

test('messages are asked for in the language that is wanted, and otherwise in none', async () => {
  const api = await signedIn()
  await api.info()
  await tab({ language: 'en' }).info()

  expect(office.seen.slice(1).map(({ headers }) => headers['Accept-Language'])).toEqual([undefined, 'en'])
})
