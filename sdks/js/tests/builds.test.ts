/** What is published works where it is meant to: required, imported, as one script, as a mini-program, without a platform. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createContext, runInContext } from 'node:vm'
import { parse, tokenizer } from 'acorn'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Program } from './program.js'

const root = new URL('..', import.meta.url).pathname
const script = (file: string): string => readFileSync(`${root}dist/${file}`, 'utf8')
const NAMES = ['Mowork', 'Oppmg', 'Thinkjs', 'Twokeys', 'Zhiyun', 'createRequest', 'fetchTransport', 'axiosTransport', 'uniTransport', 'wxTransport']

/** Signs in, makes a call with a pair that is due, and returns what happened: nothing here but the language itself. */
const LIFE = `
  const claims = iat => 'x.' + Lingpai.base64(JSON.stringify({ iat, sid: 's', jti: 's.a1' })) + '.x'
  const pair = iat => ({ access_token: claims(iat), expires_in: iat + 1800, refresh_token: 'r' + iat, refresh_expires: iat + 3600 })
  const seen = []
  let now = 1e12
  const api = new Lingpai.Oppmg({
    base: 'http://x/oppmg',
    now: () => now,
    transport: async request => {
      seen.push(request.method + ' ' + request.url)
      const data = /login|refresh/.test(request.url) ? pair(Math.floor(now / 1000)) : { account: '王小明' }
      return { status: 200, headers: {}, text: JSON.stringify({ code: '00000', msg: '成功', data }) }
    }
  })
  const keys = new Lingpai.Twokeys({ base: '', clientId: 'a', clientSecret: 'b', now: () => 1387324800000, transport: async r => { seen.push(r.url); throw new Error('lost') } })
  api.login({ account: 'a', password: 'b' })
    .then(() => { now += 1790000; return Promise.all([api.info(), api.info()]) })
    .then(([me]) => keys.notices.list().catch(error => [me.account, error.name, ...seen].join('\\n')))
`
const API_TOKEN = createHash('md5').update('apinoticelist2013-12-18b').digest('hex')
const LIVED = [
  '王小明', 'NoAnswer', 'POST http://x/oppmg/auth/login', 'GET http://x/oppmg/v1/auth/refresh_token',
  'GET http://x/oppmg/v1/user/info', 'GET http://x/oppmg/v1/user/info', `/api/notice/list?client_id=a&api_token=${API_TOKEN}`
]

test('the script runs where there is nothing but the language: no URL, no TextEncoder, no crypto, no timer, no storage', async () => {
  const bare = createContext({})
  runInContext(script('lingpai.js'), bare)

  expect(runInContext(`['URL', 'TextEncoder', 'crypto', 'fetch', 'setTimeout', 'window', 'localStorage'].filter(name => name in globalThis)`, bare)).toEqual([])
  expect((await runInContext(LIFE, bare)).split('\n')).toEqual(LIVED)
})

test('the mini-program’s build finds wx by itself: sends by wx.request, keeps tokens in its storage', async () => {
  const wx = new Program()
  const asked: string[] = []
  wx.request = options => {
    asked.push(options.url)
    setTimeout(() => options.success({ statusCode: 200, header: {}, data: '{"errno":0,"errmsg":"","data":{"token":"a.b.c"}}' }), 0)
    return { abort: () => undefined }
  }
  const module = { exports: {} as any }
  const sandbox = createContext({ wx, module, exports: module.exports, setTimeout, Promise })
  runInContext(script('miniprogram/index.js'), sandbox)
  const api = new module.exports.Thinkjs({ base: 'https://x/thinkjs' })
  await api.login({ username: 'a', password: 'b' })

  expect([asked, api.signedIn]).toEqual([['https://x/thinkjs/api/system/token/create'], true])
  expect(JSON.parse(wx.getStorageSync('lingpai.thinkjs') as string)).toMatchObject({ tokens: { token: 'a.b.c' } })
})

test.each(['lingpai.js', 'miniprogram/index.js', 'cjs/index.js'])('%s is ES2015, and makes no code at run time', file => {
  const text = script(file)

  parse(text, { ecmaVersion: 2015 })
  const names = new Set([...tokenizer(text, { ecmaVersion: 2015 })].map(token => (token as unknown as { value: unknown }).value))
  for (const name of ['eval', 'Function', 'require', 'window', 'document', 'TextEncoder', 'crypto', 'URL', 'URLSearchParams', 'XMLHttpRequest']) {
    expect(names, name).not.toContain(name)
  }
})

test('it can be required, imported and put into a page, and offers the same each time', async () => {
  const require = createRequire(import.meta.url)
  const page = createContext({})
  runInContext(script('lingpai.js'), page)
  const imported = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', "console.log(JSON.stringify(Object.keys(await import('@lingpai/client')).sort()))"], { cwd: root, encoding: 'utf8' }))

  expect(imported).toEqual(Object.keys(require('../dist/cjs/index.js')).sort())
  expect(imported).toEqual(Object.keys(require('../dist/miniprogram/index.js')).sort())
  expect(imported).toEqual(runInContext('Object.keys(Lingpai).sort()', page))
  expect(imported).toEqual(expect.arrayContaining(NAMES))
})

test('it depends on nothing', () => {
  expect(Object.keys(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).dependencies ?? {})).toEqual([])
})

const PAGES = ['README.md', 'README.zh.md', '../../docs/sdk/javascript.md', '../../docs/sdk/javascript.zh.md']

test.each(PAGES)('%s imports what there is', async page => {
  const offered = Object.keys(await import('../src/index.js'))
  const named = [...readFileSync(`${root}${page}`, 'utf8').matchAll(/\{([\w, ]+)\} (?:from '|= require\(')@lingpai\/client'/g)]

  expect(named.length).toBeGreaterThan(0)
  expect(offered).toEqual(expect.arrayContaining(named.flatMap(([, names]) => names!.split(',').map(name => name.trim()))))
})

test.each(PAGES.slice(2))('%s tells the sizes of the builds, to a kilobyte', page => {
  const rows = [...readFileSync(`${root}${page}`, 'utf8').matchAll(/^\| `dist\/(\S+)`[^|]*\| (\d+) KB \| (\d+) KB \|$/gm)]

  expect(rows.length).toBe(3)
  for (const [, file, bytes, gzipped] of rows) {
    expect(Math.abs(script(file!).length / 1000 - Number(bytes))).toBeLessThan(1)
    expect(Math.abs(gzipSync(script(file!), { level: 9 }).length / 1000 - Number(gzipped))).toBeLessThan(1)
  }
})
