/** What is kept is changed only by who showed what stands there. */
import { beforeEach, expect, test } from 'vitest'
import { memoryStorage, oppmgContract } from '../src/index.js'
import type { OppmgTokens, Storage } from '../src/index.js'
import { Session } from '../src/core/session.js'
import { Office } from './office.js'

let storage: Storage
let session: Session<OppmgTokens>
let pairs: OppmgTokens[]
let another: OppmgTokens

beforeEach(() => {
  storage = memoryStorage()
  session = new Session(storage, 'key', oppmgContract({ base: '' }))
  const office = new Office()
  office.made = [0, 1000, 1000, 1100]
  pairs = [1, 2, 3].map(generation => office.pair(generation) as OppmgTokens)
  office.sid = 'another'
  office.made = [0, 900]
  another = office.pair(1) as OppmgTokens
})

const [first, second, third] = [() => pairs[0]!, () => pairs[1]!, () => pairs[2]!]

test('a pair takes the place of the one that was shown', () => {
  session.open(first(), 0)
  expect(session.replace(first(), second(), 7)).toEqual(second())
  expect(session.read()).toEqual({ tokens: second(), skew: 7, over: null })
})

test('where another pair stands by now, the later of the two stays, made in one second or not', () => {
  session.open(second(), 0)
  expect(session.replace(first(), third(), 0)).toEqual(third())
  expect(session.replace(first(), second(), 0)).toEqual(third())
  expect(session.read().tokens).toEqual(third())

  session.open(first(), 0)
  expect(session.replace(third(), second(), 0)).toEqual(second())
})

test('a pair of an earlier session never takes the place of a sign-in, be it later', () => {
  session.open(another, 0)
  expect(session.replace(first(), second(), 0)).toEqual(another)
  expect(session.read().tokens).toEqual(another)
})

test.each(['{"tokens":{}}', '{"tokens":{"access_token":1,"refresh_token":2}}', '{"tokens":[]}', '{"tokens":"a"}', '[]', 'null', 'x'])(
  'what somebody else left under our key, such as %s, is no session, and a sign-in takes its place',
  left => {
    storage.write('key', left)
    expect(session.read().tokens).toBe(null)
    expect(session.replace(first(), second(), 0)).toBe(null)
    session.open(first(), 0)
    expect(session.read().tokens).toEqual(first())
  }
)

test('nothing comes back after the end', () => {
  session.open(first(), 0)
  expect(session.end(first(), 'replaced')).toBe(true)
  expect(session.replace(first(), second(), 0)).toBe(null)
  expect(session.read()).toEqual({ tokens: null, skew: 0, over: 'replaced' })
  expect(session.end(first(), 'expired')).toBe(true)
  expect(session.read().over).toBe('replaced')
})

test('the end that is heard for other tokens is not this session’s', () => {
  session.open(second(), 0)
  expect([session.end(first(), 'expired'), session.end(null, 'expired')]).toEqual([false, false])
  expect(session.read().tokens).toEqual(second())
})
