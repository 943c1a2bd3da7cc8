/** What each contract's client does beyond one request and one answer. */
import { describe, expect, test } from 'vitest'
import { Mowork, Twokeys, Zhiyun, memoryStorage, moworkContract, oppmgContract, thinkjsContract, twokeysContract } from '../src/index.js'
import type { Contract, WireAnswer, WireRequest } from '../src/index.js'

type Say = (request: WireRequest) => Partial<WireAnswer> & { json?: unknown }

function server(say: Say): { seen: WireRequest[]; transport: (request: WireRequest) => Promise<WireAnswer> } {
  const seen: WireRequest[] = []
  return {
    seen,
    async transport(request) {
      seen.push(request)
      await Promise.resolve()
      const { json, ...answer } = say(request)
      return { status: 200, headers: {}, text: JSON.stringify(json), ...answer }
    }
  }
}

describe('mowork', () => {
  const time = (n: number): string => `2026-01-02 03:04:05:${String(n).padStart(3, '0')}`
  const granted = { username: '小明', token: 'T', user_token: 'T', timestamp: time(1), expire_time: time(999) }
  const shown = ({ url, body }: WireRequest): string | null =>
    body ? JSON.parse(body).req_timestamp : new URLSearchParams(url.split('?')[1]).get('req_timestamp')

  test('each call carries the latest time that the server told this session, never the device’s', async () => {
    const told = [1, 5, 3, 9]
    const { seen, transport } = server(() => ({ json: { resCode: '100000', resMessage: '', resTimestamp: time(told.shift()!), responseParam: granted } }))
    const api = new Mowork({ base: '', transport, storage: 'memory', now: () => 0 })
    await api.login({ username: '小明', password: 'x' })
    for (const _ of [1, 2, 3]) await api.checkToken()

    expect(seen.map(shown)).toEqual([undefined, time(1), time(5), time(5)])
    expect(seen[1]!.headers['X-Username']).toBe('%E5%B0%8F%E6%98%8E')
  })

  test('where only the very last time holds, calls wait for each other', async () => {
    let last = 1
    let refused = 0
    const { seen, transport } = server(request => {
      if (!request.headers['X-Token'] || shown(request) === time(last)) {
        last += request.headers['X-Token'] ? 1 : 0
        return { json: { resCode: '100000', resMessage: '', resTimestamp: time(last), responseParam: granted } }
      }
      refused += 1
      return { status: 403, json: { resCode: '403', resMessage: '', resTimestamp: time(last) } }
    })
    const storage = memoryStorage()
    const api = new Mowork({ base: '', transport, storage, timestamp: 'latest' })
    await api.login({ username: '小明', password: 'x' })
    await Promise.all(Array.from({ length: 10 }, () => api.checkToken()))

    expect([refused, new Set(seen.map(shown)).size]).toEqual([0, 11])
  })

  test('an answer that did not go through the check of the time tells none', async () => {
    const answers: [number, string, number][] = [[200, '100000', 1], [503, '100503', 8], [404, '100404', 9], [200, '100000', 2]]
    const { seen, transport } = server(() => {
      const [status, resCode, n] = answers.shift()!
      return { status, json: { resCode, resMessage: '', resTimestamp: time(n), responseParam: granted } }
    })
    const api = new Mowork({ base: '', transport, storage: 'memory' })
    await api.login({ username: 'a', password: 'x' })
    await expect(api.checkToken()).rejects.toMatchObject({ outcome: 'busy' })
    await expect(api.call('no', 'such')).rejects.toMatchObject({ outcome: 'no_such_call' })
    await api.checkToken()

    expect(seen.map(shown)).toEqual([undefined, time(1), time(1), time(1)])
  })

  test('a public call shows no token, though there is one', async () => {
    const { seen, transport } = server(() => ({ json: { resCode: '100000', resMessage: '', resTimestamp: time(1), responseParam: { ...granted, notices: [] } } }))
    const api = new Mowork({ base: '', transport, storage: 'memory' })
    await api.login({ username: 'a', password: 'x' })
    await api.notices.list()
    await api.notices.add({ title: 'a', content: 'b' })

    expect(seen.map(({ headers }) => headers['X-Token'])).toEqual([undefined, undefined, 'T'])
  })

  test('business may have a host of its own', async () => {
    const { seen, transport } = server(() => ({ json: { resCode: '100000', resMessage: '', resTimestamp: time(1), responseParam: { notices: [] } } }))
    const api = new Mowork({ base: 'https://account.mowork.cn', businessBase: 'https://api.mowork.cn', transport, storage: 'memory' })
    await api.notices.list(2)
    await api.info()

    expect(seen.map(({ url }) => url.split('?')[0])).toEqual(['https://api.mowork.cn/notice/list', 'https://account.mowork.cn/user/getinfo'])
  })
})

describe('twokeys', () => {
  const keys = { base: '', clientId: 'app', clientSecret: 'k3y-Of-20-chars-long', storage: 'memory' as const }

  test('the day is the server’s in Shanghai, whatever the device’s clock and zone', async () => {
    const right = 1_387_296_000_000
    const { seen, transport } = server(request => {
      const denied = !request.url.includes('e6a62314c7261677e392eb1ba4e9a29a')
      return { headers: { date: new Date(right).toUTCString() }, json: denied ? { code: 0, msg: 'access deny', data: [] } : { code: 1, msg: '', data: { notices: [] } } }
    })
    const api = new Twokeys({ ...keys, transport, now: () => right - 86_400_000 })
    await api.notices.list()
    await api.notices.list()

    expect(seen.length).toBe(3)
  })

  test('denied for another reason than the clock, it is not tried again', async () => {
    const { seen, transport } = server(() => ({ headers: { date: new Date(0).toUTCString() }, json: { code: 0, msg: 'access deny', data: [] } }))
    const api = new Twokeys({ ...keys, transport, now: () => 0 })

    await expect(api.notices.list()).rejects.toMatchObject({ outcome: 'client_refused', message: 'access deny' })
    expect(seen.length).toBe(1)
  })

  test('its one sentence means: sign in, where no token was shown; and not allowed, where one was', async () => {
    const answers = [{ code: 0, msg: '无权访问', data: [] }, { code: 1, msg: '', data: { user_id: 1, user_token: 't', expire_time: 9 } }, { code: 0, msg: '无权访问', data: [] }]
    const { transport } = server(() => ({ json: answers.shift() }))
    const ended: string[] = []
    const api = new Twokeys({ ...keys, transport, onSignedOut: reason => ended.push(reason) })

    await expect(api.info()).rejects.toMatchObject({ outcome: 'session_over' })
    await api.login({ username: 'a', password: 'b' })
    await expect(api.notices.add({ title: 'a', content: 'b' })).rejects.toMatchObject({ outcome: 'not_allowed' })
    expect([ended, api.signedIn]).toEqual([['unknown'], true])
  })

  test('the user’s token never stands in an address: a GET that needs it is posted', async () => {
    const { seen, transport } = server(() => ({ json: { code: 1, msg: '', data: { user_id: 1, user_token: 'secret', expire_time: 9 } } }))
    const api = new Twokeys({ ...keys, transport })
    await api.login({ username: 'a', password: 'b' })
    await api.call('repair', 'getlist', { room_id: 7 }, { method: 'GET' })

    expect(seen[1]).toMatchObject({ method: 'POST', body: 'user_id=1&user_token=secret&room_id=7' })
    expect(seen[1]!.url).not.toContain('secret')
  })

  test('the recipe’s text is told to who watches the wire, and to nobody else', async () => {
    const { transport } = server(() => ({ json: { code: 1, msg: '', data: { notices: [] } } }))
    const texts: string[] = []
    const api = new Twokeys({ ...keys, transport, now: () => 1_387_324_800_000, onWire: wire => texts.push(...wire.canonical.map(({ name, from, value }) => `${name} ${from} ${value}`)) })
    await api.notices.list()

    expect(texts).toEqual(['api_token apinoticelist2013-12-18k3y-Of-20-chars-long e6a62314c7261677e392eb1ba4e9a29a'])
  })
})

describe('zhiyun', () => {
  const keys = { base: '', clientId: '1102084294', clientSecret: 'aku8hCyXBd9SqYkT', storage: 'memory' as const }
  const ok = (data: object): object => ({ data, code: 200, message: 'ok' })
  let now = 1_422_339_152_058

  function platform(life = 30_000) {
    let codes = 0
    const made: { [code: string]: number } = {}
    return server(({ url }) => {
      if (url.includes('authorize')) {
        made[`code${++codes}`] = now
        return { json: ok({ auth_code: `code${codes}` }) }
      }
      const code = new URLSearchParams(url.split('?')[1]).get('auth_code')!
      if (now > made[code]! + life) return { json: { code: 100020, message: '授权码已经过期,请重启授权' } }
      return { json: ok({ username: 'li******40', nowtime: Math.floor(now / 1000) }) }
    })
  }

  test('calls get their auth_code by themselves: one for many at once, another when it has aged', async () => {
    const { seen, transport } = platform()
    const api = new Zhiyun({ ...keys, transport, now: () => now })
    api.use('9106c9fd1e138a042d4aedf94cede7a766e0')
    await Promise.all([api.info(), api.info(), api.company()])
    now += 19_000
    await api.info()
    now += 1_000
    await api.info()

    expect(seen.filter(({ url }) => url.includes('authorize')).length).toBe(2)
    expect(seen.length).toBe(7)
  })

  test('a first code is fetched at any time, and a code from a time to come is none', async () => {
    const { seen, transport } = platform(Infinity)
    let local = 5_000
    const api = new Zhiyun({ ...keys, transport: async request => ({ ...(await transport(request)), text: '{"data":{"auth_code":"c"},"code":200,"message":"ok"}' }), now: () => local })
    api.use('9106')
    await api.info()
    local = 1_000
    await api.info()

    expect(seen.map(({ url }) => url.includes('authorize'))).toEqual([true, false, true, false])
  })

  test('a code that the server finds too old is replaced, and the call made again', async () => {
    const { seen, transport } = platform(5_000)
    const api = new Zhiyun({ ...keys, transport, now: () => now })
    api.use('9106')
    await api.info()
    now += 10_000
    await Promise.all([api.info(), api.info()])

    expect(seen.filter(({ url }) => url.includes('authorize')).length).toBe(2)
  })

  test('t_ is the server’s time once it is known, and a 401 for a wrong clock is mended', async () => {
    const right = 1_500_000_000_000
    const times: number[] = []
    const { transport } = server(({ url }) => {
      const t = Number(new URLSearchParams(url.split('?')[1]).get('t_'))
      times.push(t)
      const far = Math.abs(t - right) > 3_600_000
      return { headers: { date: new Date(right).toUTCString() }, json: far ? { code: 401, message: '未授权' } : ok({ notices: [] }) }
    })
    const api = new Zhiyun({ ...keys, transport, now: () => 0 })
    await api.notices.list()

    expect(times[0]).toBe(0)
    expect(Math.abs(times[1]! - right)).toBeLessThan(2000)
  })

  test('100014 ends the session, with the reason of the header', async () => {
    const { transport } = server(() => ({ headers: { 'x-lingpai-reason': 'disabled' }, json: { code: 100014, message: '访问token已过期' } }))
    const ended: string[] = []
    const api = new Zhiyun({ ...keys, transport, onSignedOut: reason => ended.push(reason) })
    api.use('9106')

    await expect(api.info()).rejects.toMatchObject({ outcome: 'session_over', code: 100014, reason: 'disabled' })
    expect([ended, api.signedIn]).toEqual([['disabled'], false])
  })
})

test.each([
  ['mowork', moworkContract, { resCode: 'constructor', resMessage: '' }],
  ['oppmg', oppmgContract, { code: 'constructor', msg: '', data: {} }],
  ['twokeys', twokeysContract, { code: 0, msg: 'constructor', data: [] }],
  ['thinkjs', thinkjsContract, { errno: 1000, errmsg: 'constructor', data: {} }]
] as const)('a code or message of %s that is a member of every object is none of ours', (_name, contract, told) => {
  const options = { base: '', client_id: 'c', client_secret: 's' } as never
  const answer = { status: 200, headers: {}, text: JSON.stringify(told) }
  const { outcome } = (contract as unknown as (given: never) => Contract<never>)(options).read(answer, { name: 'x', method: 'POST', path: '/', user: false }, null)
  expect(typeof outcome).toBe('string')
})
