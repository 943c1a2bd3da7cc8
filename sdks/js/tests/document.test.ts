/** The thinkjs document's own lines, as printed, with a real vuex store: request, module, and token. */
import { readFileSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
// @ts-expect-error the document's module is JavaScript
import token from '@/api/token'
// @ts-expect-error so is the store
import store from '@/store'
// @ts-expect-error and so is request
import request, { page } from '@/common/request'
import type { WireAnswer, WireRequest } from '../src/index.js'

const PRINTED = `import request from '@/common/request' export default { create(userInfo) { return new Promise((resolve, reject) => { request.post('/system/token/create', userInfo).then(response => { resolve(response) }) }) } }`
const PRINTED_TOKEN = `const token = store.getters['token']; if (token) { //给所有请求添加自定义header request.headers["Authorization"] = token; }`

let sent: WireRequest[]
let answers: Partial<WireAnswer>[]

beforeEach(() => {
  sent = []
  answers = []
  page.at = 'index'
  store.commit('token', '')
  page.transport = async (asked: WireRequest) => {
    sent.push(asked)
    return { status: 200, headers: {}, text: '', ...answers.shift() }
  }
})

test('what runs here is what the document prints', () => {
  const words = (path: string): string =>
    readFileSync(new URL(path, import.meta.url), 'utf8').replace(/^\/\/ As the document prints it\.$/m, '').replace(/\s+/g, ' ').trim()

  expect(words('../../../tests/clients/pages/thinkjs/api/token.js')).toBe(PRINTED)
  expect(words('document/common/request.js')).toContain(PRINTED_TOKEN)
})

test('create(userInfo) posts to /api/system/token/create and is fulfilled with the whole answer', async () => {
  answers.push({ text: '{"errno":0,"errmsg":"","data":{"token":"a.b.c","userInfo":{"id":1}}}' })
  let userInfo = {
    username : 'admin',
    password : '123456'
  }
  const response = await token.create(userInfo)

  expect(sent[0]).toMatchObject({ method: 'POST', url: 'http://stage/thinkjs/api/system/token/create', body: '{"username":"admin","password":"123456"}' })
  expect(sent[0]!.headers).not.toHaveProperty('Authorization')
  expect(response).toEqual({ errno: 0, errmsg: '', data: { token: 'a.b.c', userInfo: { id: 1 } } })
})

test('the token of the store goes raw with every request from then on', async () => {
  answers.push({ text: '{"errno":0,"errmsg":"","data":{}}' }, { text: '{"errno":0,"errmsg":"","data":{}}' })
  store.commit('token', 'a.b.c')
  await request.get('/system/user/info')
  await request.post('/notice/add', { title: '停水' })

  expect(sent.map(({ headers }) => headers['Authorization'])).toEqual(['a.b.c', 'a.b.c'])
})

test('an error of the contract fulfils the promise, for the page to show', async () => {
  answers.push({ text: '{"errno":1001,"errmsg":"参数错误","data":{"password":"必填"}}' })

  expect(await token.create({ username: 'admin' })).toEqual({ errno: 1001, errmsg: '参数错误', data: { password: '必填' } })
  expect(page.at).toBe('index')
})

test('HTTP 401 jumps to the sign-in and rejects; many at once jump once', async () => {
  let jumps = 0
  Object.defineProperty(page, 'at', { configurable: true, get: () => 'login', set: () => (jumps += 1) })
  const over = { status: 401, text: '{"errno":401,"errmsg":"请登录以后访问。(已被管理员下线)","data":{"reason":"kicked_out"}}' }
  answers.push(over, over, over)
  store.commit('token', 'a.b.c')

  const endings = await Promise.allSettled([1, 2, 3].map(() => request.get('/system/user/info')))
  delete (page as { at?: string }).at

  expect(endings.map(each => each.status === 'rejected' && each.reason.reason)).toEqual(Array(3).fill('kicked_out'))
  expect(jumps).toBe(1)
})

test('it is the status 401 that says so, whatever errno stands beside it', async () => {
  answers.push({ status: 401, text: '{"errno":1000,"errmsg":"请登录以后访问。","data":{}}' })

  await expect(request.get('/system/user/info')).rejects.toMatchObject({ outcome: 'session_over', reason: 'unknown' })
  expect(page.at).toBe('login')
})

test('headers of the request itself go with everything', async () => {
  answers.push({ text: '{"errno":0,"errmsg":"","data":{}}' })
  request.headers['X-Requested-With'] = 'page'
  await request.get('/notice/list', { page: 2 })

  expect(sent[0]).toMatchObject({ url: 'http://stage/thinkjs/api/notice/list?page=2', headers: { 'X-Requested-With': 'page' } })
})

test('what is no answer of the contract rejects', async () => {
  answers.push({ status: 200, text: '<html>nginx</html>' }, { status: 502, text: '<html>Bad Gateway</html>' })

  await expect(request.get('/notice/list')).rejects.toMatchObject({ outcome: 'not_this_contract', status: 200 })
  await expect(request.get('/notice/list')).rejects.toMatchObject({ outcome: 'busy', status: 502 })
})
