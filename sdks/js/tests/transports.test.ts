/** Each way to send: a real server, real fetch and axios; uni and wx as their documentation describes them. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import axios from 'axios'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NoAnswer, Thinkjs, Twokeys, axiosTransport, fetchTransport, programTransport, uniTransport, wxTransport } from '../src/index.js'
import type { ProgramRequestOptions, Transport } from '../src/index.js'
import { Program } from './program.js'

let server: Server
let base: string

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const part of request) body += part
  return body
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const { method, url, headers } = request
    if (url!.includes('/slow')) return void setTimeout(() => response.end('{}'), 60_000).unref()
    if (url!.includes('/away')) return void response.writeHead(302, { Location: '/elsewhere' }).end()
    if (url!.includes('/gone')) return void request.socket.destroy()
    const status = url!.includes('/denied') ? 401 : 200
    const told = { method, url, body, type: headers['content-type'] ?? null, token: headers['authorization'] ?? null }
    response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'X-Lingpai-Reason': 'replaced', 'Retry-After': '7' })
    response.end(JSON.stringify({ errno: status === 200 ? 0 : 401, errmsg: '', data: { ...told, reason: 'replaced' } }))
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const WAYS: [name: string, make: () => Transport][] = [
  ['fetch', () => fetchTransport()],
  ['axios', () => axiosTransport(axios.create({ transformRequest: () => 'mangled', transformResponse: () => 'mangled' }))],
  ['uni.request', () => uniTransport(new Program())],
  ['uni.request that parses all the same', () => uniTransport(new Program({ parses: true, headers: 'lower' }))],
  ['wx.request', () => wxTransport(new Program({ headers: 'upper' }))]
]

describe.each(WAYS)('%s', (_, make) => {
  const api = (options = {}): Thinkjs => {
    const client = new Thinkjs({ base, transport: make(), storage: 'memory', ...options })
    return client
  }
  const ask = async (path: string, args?: object, method: 'GET' | 'POST' = 'POST', options = {}): Promise<any> =>
    api(options).call(path, 'x', args as {}, { method })

  test('posts a text as it stands, with its type', async () => {
    const told = await ask('m', { 标题: '一 & 二', n: 1 })
    expect(told).toMatchObject({ method: 'POST', url: '/api/m/x', body: '{"标题":"一 & 二","n":1}' })
    expect(told.type).toMatch(/^application\/json/)
  })

  test('posts nothing at all where there is nothing to say', async () => {
    expect(await ask('m')).toMatchObject({ method: 'POST', body: '' })
  })

  test('asks with GET, its arguments in the address and nowhere else', async () => {
    expect(await ask('m', { a: '一 二', b: 2 }, 'GET')).toMatchObject({ method: 'GET', url: '/api/m/x?a=%E4%B8%80+%E4%BA%8C&b=2', body: '' })
  })

  test('sends the header of the call and no other’s', async () => {
    const before = (request: { headers: { [name: string]: string } }): void => void (request.headers['Authorization'] = 'raw.to.ken')
    expect(await ask('m', {}, 'POST', { before })).toMatchObject({ token: 'raw.to.ken' })
  })

  test('a form stays a form', async () => {
    const seen: string[] = []
    const client = new Twokeys({ base, clientId: '1', clientSecret: '2', transport: make(), storage: 'memory', onWire: wire => seen.push(wire.answer!.text) })
    await client.call('m', 'x', { a: '一 二' }, { public: true }).catch(() => undefined)
    expect(JSON.parse(seen[0]!).data).toMatchObject({ body: 'a=%E4%B8%80+%E4%BA%8C', type: expect.stringMatching(/^application\/x-www-form-urlencoded/) })
  })

  test('a status that is no success is an answer, with its headers by names in lower case', async () => {
    const headers: object[] = []
    const ended = await api({ onWire: (wire: any) => headers.push(wire.answer.headers) }).call('denied', 'x').catch(error => error)
    expect(ended).toMatchObject({ outcome: 'session_over', status: 401, reason: 'replaced', retryAfter: 7 })
    expect(headers[0]).toMatchObject({ 'x-lingpai-reason': 'replaced' })
  })

  test('a connection that breaks, a server that is not there and one that is silent are no answer', async () => {
    await expect(ask('gone')).rejects.toThrow(NoAnswer)
    await expect(ask('slow', {}, 'POST', { timeoutSeconds: 0.1 })).rejects.toMatchObject({ outcome: 'no_answer' })
    await expect(ask('m', {}, 'POST', { base: 'http://127.0.0.1:1' })).rejects.toThrow(NoAnswer)
  })

  test('a caller may give up, before and after it was sent', async () => {
    const given = new AbortController()
    const call = api().call('slow', 'x', {}, { signal: given.signal })
    setTimeout(() => given.abort(), 50)
    await expect(call).rejects.toMatchObject({ outcome: 'aborted' })
    await expect(api().call('m', 'x', {}, { signal: given.signal })).rejects.toMatchObject({ outcome: 'aborted' })
  })
})

test('a signal that outlives many calls keeps none of them', async () => {
  const given = new AbortController()
  let listening = 0
  const signal = {
    aborted: false,
    addEventListener: (type: 'abort', listener: () => void) => (listening++, given.signal.addEventListener(type, listener)),
    removeEventListener: (type: 'abort', listener: () => void) => (listening--, given.signal.removeEventListener(type, listener))
  }
  const api = new Thinkjs({ base, transport: fetchTransport(), storage: 'memory' })
  await api.call('m', 'x', {}, { signal })

  expect(listening).toBe(0)
})

test.each(WAYS.slice(0, 2))('%s follows no redirect: tokens in headers would follow it too', async (_, make) => {
  const api = new Thinkjs({ base, transport: make(), storage: 'memory' })

  await expect(api.call('away', 'x')).rejects.toMatchObject({ outcome: expect.stringMatching(/no_answer|not_this_contract/) })
})

test('axios is given the whole address, also where it is a path of the page’s own', async () => {
  const asked: unknown[] = []
  const adapter = async (config: any): Promise<any> => {
    asked.push([config.baseURL, config.url])
    return { status: 200, headers: {}, data: '{"errno":0,"errmsg":"","data":{}}', config }
  }
  await new Thinkjs({ base: '/thinkjs', transport: axiosTransport(axios.create({ baseURL: '/wrong', adapter })), storage: 'memory' }).call('m', 'x')

  expect(asked).toEqual([['', '/thinkjs/api/m/x']])
})

test('an axios instance whose interceptors unwrap answers is told from one that works', async () => {
  const instance = axios.create()
  instance.interceptors.response.use(response => response.data)
  const api = new Thinkjs({ base, transport: axiosTransport(instance), storage: 'memory' })

  await expect(api.call('m', 'x')).rejects.toThrow(/instance of its own/)
})

test('uni and wx are never given `data` with a GET, which they would put into the query', async () => {
  const given: ProgramRequestOptions[] = []
  const program = { request: (options: ProgramRequestOptions) => void (given.push(options), options.fail({ errMsg: 'request:fail timeout' })) }
  const api = new Thinkjs({ base, transport: programTransport(program), storage: 'memory' })

  await expect(api.call('m', 'x', { a: 1 }, { method: 'GET' })).rejects.toThrow('request:fail timeout')
  expect(given[0]).not.toHaveProperty('data')
  expect(given[0]).toMatchObject({ dataType: 'text', timeout: 15_000 })
})

test('a signal that serves many calls keeps none of them', async () => {
  const listeners = new Set<() => void>()
  const signal = {
    aborted: false,
    addEventListener: (_type: 'abort', listener: () => void) => void listeners.add(listener),
    removeEventListener: (_type: 'abort', listener: () => void) => void listeners.delete(listener)
  }
  const most: number[] = []
  for (const fails of [false, true]) {
    const request = (options: ProgramRequestOptions) => {
      queueMicrotask(() => {
        most.push(listeners.size)
        if (fails) options.fail({})
        else options.success({ statusCode: 200, data: '' })
      })
      return { abort: () => undefined }
    }
    await programTransport({ request })({ method: 'GET', url: base, headers: {}, body: null }, { timeoutSeconds: 1, signal }).catch(() => null)
  }
  expect([most, listeners.size]).toEqual([[1, 1], 0])
})
