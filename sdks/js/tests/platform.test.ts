/** A client finds by itself how to send and where to keep tokens, wherever it is made. */
import { afterEach, expect, test, vi } from 'vitest'
import { Mowork, Thinkjs, pageStorage, programStorage } from '../src/index.js'
import { Program } from './program.js'

const TOKEN = '{"errno":0,"errmsg":"","data":{"token":"a.b.c"}}'

afterEach(() => vi.unstubAllGlobals())

function answering(asked: string[], name: string): Program {
  const program = new Program()
  program.request = options => {
    asked.push(`${name} ${options.url}`)
    options.success({ statusCode: 200, data: TOKEN })
    return { abort: () => undefined }
  }
  return program
}

const fetching = (asked: string[]) => async (url: string) => {
  asked.push(`fetch ${url}`)
  return new Response(TOKEN)
}

/** A page's `localStorage` and its events, as the browser has them. */
function page() {
  const kept = new Map<string, string>()
  const listeners: ((change: { key: string | null }) => void)[] = []
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
    removeItem: (key: string) => void kept.delete(key)
  })
  vi.stubGlobal('addEventListener', (_: string, listener: () => void) => void listeners.push(listener))
  vi.stubGlobal('removeEventListener', (_: string, listener: () => void) => void listeners.splice(listeners.indexOf(listener), 1))
  return { kept, listeners, changed: (key: string | null) => listeners.forEach(listener => listener({ key })) }
}

const login = async (options = {}): Promise<Thinkjs> => {
  const api = new Thinkjs({ base: '', ...options })
  await api.login({ username: 'a', password: 'b' })
  return api
}

test('uni comes before wx, wx before fetch; a wx that cannot request, as in WeChat’s H5 pages, is passed over', async () => {
  const asked: string[] = []
  vi.stubGlobal('fetch', fetching(asked))
  vi.stubGlobal('wx', { config: () => undefined })
  await login()
  vi.stubGlobal('wx', answering(asked, 'wx'))
  await login()
  vi.stubGlobal('uni', answering(asked, 'uni'))
  await login()

  expect(asked).toEqual(['fetch', 'wx', 'uni'].map(name => `${name} /api/system/token/create`))
})

test('tokens outlive the page in localStorage, under a key of the contract or one’s own; memory forgets', async () => {
  const { kept } = page()
  vi.stubGlobal('fetch', fetching([]))
  await login()
  await login({ storageKey: 'mine' })
  await login({ storage: 'memory', storageKey: 'not kept' })

  expect([...kept.keys()]).toEqual(['lingpai.thinkjs', 'mine'])
  expect([new Thinkjs({ base: '' }).signedIn, new Mowork({ base: '' }).signedIn]).toEqual([true, false])
})

test('a mini-program keeps them in its own storage, a page of uni-app in localStorage, where tabs hear of each other', async () => {
  const program = answering([], 'uni')
  vi.stubGlobal('uni', program)
  await login()
  const { kept, listeners } = page()
  await login({ storageKey: 'page' })

  expect([JSON.parse(program.getStorageSync('lingpai.thinkjs') as string).tokens, program.getStorageSync('page')]).toEqual([{ token: 'a.b.c' }, ''])
  expect([[...kept.keys()], listeners.length]).toEqual([['page'], 1])
})

test('a mini-program that has a localStorage as well, but no events, keeps them in its own', async () => {
  const program = answering([], 'uni')
  vi.stubGlobal('uni', program)
  const { kept } = page()
  vi.stubGlobal('addEventListener', undefined)
  await login()

  expect([kept.size, program.getStorageSync('lingpai.thinkjs')]).toEqual([0, expect.stringContaining('a.b.c')])
})

test('a browser that forbids localStorage, or has it full, keeps tokens in memory', async () => {
  vi.stubGlobal('fetch', fetching([]))
  const { kept } = page()
  const full = { getItem: () => null, setItem: () => { throw new Error('QuotaExceededError') }, removeItem: () => undefined }
  expect(pageStorage(full).watch).toBeUndefined()
  vi.stubGlobal('localStorage', full)
  expect((await login()).signedIn).toBe(true)
  expect(kept.size).toBe(0)
})

test('another tab’s sign-in, renewal and end are heard once each; a change that shows the same tokens is none', async () => {
  const { kept, changed, listeners } = page()
  const [tokens, ends]: string[][] = [[], []]
  const api = new Thinkjs({ base: '', onSignedOut: reason => ends!.push(reason) })
  api.onTokens(({ token }) => tokens!.push(token))
  const other = (text: string): void => {
    kept.set('lingpai.thinkjs', text)
    changed('lingpai.thinkjs')
  }

  other('{"tokens":{"token":"1"},"skew":0}')
  other('{"tokens":{"token":"1"},"skew":5}')
  other('{"tokens":{"token":"2"},"skew":5}')
  changed('somebody else’s')
  other('{"over":"replaced"}')
  other('{"tokens":{"token":"2"},"skew":5}')
  kept.clear()
  changed(null)
  expect([tokens, ends]).toEqual([['1', '2', '2'], ['replaced', 'unknown']])

  api.close()
  expect(listeners).toEqual([])
})

test('what is no text in a mini-program’s storage is nothing', () => {
  const program = new Program()
  const storage = programStorage(program)
  expect(storage.read('a')).toBe(null)
  program.setStorageSync('a', { old: true })
  expect(storage.read('a')).toBe(null)
  storage.write('a', 'text')
  expect(storage.read('a')).toBe('text')
  storage.remove('a')
  expect(storage.read('a')).toBe(null)
})

test('what somebody else wrote under the key is no session, and no error', () => {
  const { kept } = page()
  for (const text of ['', 'null', '[]', '7', '{', '{"tokens":null}', '{"tokens":"text"}']) {
    kept.set('lingpai.thinkjs', text)
    expect(new Thinkjs({ base: '' }).signedIn).toBe(false)
  }
})

test('without fetch, uni or wx the error says what to give', async () => {
  vi.stubGlobal('fetch', undefined)

  await expect(login()).rejects.toThrow('give the client a transport')
})
