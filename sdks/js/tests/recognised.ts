/**
 * Which requests of the transcripts are the SDK's to write: for each, the call that must write it, to the byte.
 *
 * A request is not the SDK's where it says by a rule why not. The rules look at the request alone, never at what the
 * SDK would write, so that a fault of the SDK cannot turn into an exception. How many requests each rule takes is
 * kept in `counted/`.
 */
import { createHash } from 'node:crypto'
import { Mowork, Oppmg, Thinkjs, Twokeys, Zhiyun } from '../src/index.js'
import type { Options } from '../src/index.js'
import type { Exchange } from './transcripts.js'

export interface Ours {
  /** Tokens to start with. */
  tokens: object | null
  now: number
  make: (options: Options) => Promise<unknown>
}

export type Verdict = Ours | { rule: string }

type Members = [name: string, value: string][]

/** A reason why a request is not the SDK's to write. */
class Not extends Error {}

function unless(holds: unknown, rule: string): asserts holds {
  if (!holds) throw new Not(rule)
}

export function recognised(contract: string, exchange: Exchange): Verdict {
  try {
    unless(exchange.method === 'GET' || exchange.method === 'POST', 'another method')
    const [path, query = ''] = exchange.target.split('?') as [string, string?]
    unless(path.startsWith(`/${contract}/`) && !header(exchange, 'host'), 'a host of its own')
    const call = `${exchange.method} ${path.slice(contract.length + 1)}`
    unless(Object.hasOwn(READERS, contract), 'no such contract')
    return READERS[contract]!(call, members(query), exchange)
  } catch (error) {
    if (error instanceof Not) return { rule: error.message }
    throw error
  }
}

const READERS: { [contract: string]: (call: string, query: Members, exchange: Exchange) => Ours } = {
  mowork(call, query, exchange) {
    const calls: { [call: string]: (api: Mowork, args: any) => Promise<unknown> } = {
      'POST /user/login': (api, args) => api.login(args),
      'POST /user/register': (api, args) => api.register(args),
      'GET /user/getinfo': (api, args) => api.info(args?.username),
      'GET /user/checktoken': api => api.checkToken(),
      'POST /user/password': (api, args) => api.changePassword(args.old_password, args.new_password),
      'POST /user/logout': api => api.logout(),
      'GET /notice/list': (api, args) => api.notices.list(args?.page),
      'POST /notice/add': (api, args) => api.notices.add(args)
    }
    const make = calls[call]
    unless(make, 'a call, or a method of it, that the SDK does not use')
    only(exchange, ['X-Token', 'X-Username'])
    const get = call.startsWith('GET')
    const json = get ? null : object(exchange)
    unless(get ? !exchange.body : !query.length, 'members in another place')
    unless(!get || escapedWell(exchange.target.split('?')[1] ?? ''), 'text that is not escaped')
    const all: [string, unknown][] = get ? query : Object.entries(json!)
    const names = all.map(([name]) => name)
    const shape = /^client_type client_sys_version api_version( req_timestamp)?((?: requestParam\S*)*)$/.exec(names.join(' '))
    unless(shape, 'members left out, spelt otherwise, or in another order')
    const [token, name] = [header(exchange, 'X-Token'), header(exchange, 'X-Username')]
    unless(!token === !name && !token === !shape[1], 'a credential without the others')
    unless(token || !/logout/.test(call), 'nobody to log out')
    unless(all.every(([member, value]) => member === 'requestParam' || typeof value === 'string'), 'a member of another kind')
    const args = get
      ? Object.fromEntries(query.slice(shape[1] ? 4 : 3).map(([member, value]) => [/^requestParam\[(\w+)\]$/.exec(member)?.[1], value]))
      : json!['requestParam'] ?? undefined
    unless(!('undefined' in (args ?? {})), 'members left out, spelt otherwise, or in another order')
    const given = get ? !Object.keys(args as object).length : args === undefined
    unless(given || isObject(args), 'a member of another kind')
    const wanted = ARGUMENTS[call]
    unless(!wanted || wanted.every(each => isObject(args) && typeof args[each] === 'string'), 'arguments that the types forbid')
      unless(!name || /^[!-$&-~]+$/.test(name) || escapedName(name), 'a name that is not escaped')
    const member = Object.fromEntries(all) as { [name: string]: string }
    const username = /%/.test(name ?? '') ? decodeURIComponent(name!) : name
    return {
      tokens: token ? { username, token, told: member['req_timestamp'], expires: '' } : null,
      now: exchange.now,
      make: options => make(new Mowork({
        ...options,
        clientType: member['client_type'] as 'pc', clientSysVersion: member['client_sys_version']!, apiVersion: member['api_version']!
      }), given ? undefined : args)
    }
  },

  oppmg(call, query, exchange) {
    const calls: { [call: string]: (api: Oppmg, args: any) => Promise<unknown> } = {
      'POST /auth/login': (api, args) => api.login(args),
      'GET /v1/auth/refresh_token': api => api.refresh(),
      'POST /v1/auth/change_company': (api, args) => api.changeCompany(args.company_id),
      'POST /v1/auth/logout': api => api.logout(),
      'GET /v1/user/info': api => api.info(),
      'POST /v1/user/password': (api, args) => api.changePassword(args.old_password, args.new_password),
      'POST /v1/notice/list': (api, args) => api.notices.list(args?.page),
      'POST /v1/notice/add': (api, args) => api.notices.add(args)
    }
    const make = calls[call]
    unless(make, 'a call, or a method of it, that the SDK does not use')
    unless(!query.length, 'members in another place')
    only(exchange, ['x-mmm-accesstoken', 'x-mmm-refreshtoken'])
    const [access, refresh] = [header(exchange, 'x-mmm-accesstoken'), header(exchange, 'x-mmm-refreshtoken')]
    unless((access === undefined) === (refresh === undefined), 'a credential without the others')
    unless(access !== '' && refresh !== '', 'an empty token')
    unless(access || !/refresh|logout/.test(call), 'nobody to log out, and nothing to renew')
    unless(!access || !/login|list/.test(call), 'tokens where the SDK shows none')
    const args = exchange.body ? object(exchange) : undefined
    arguments_(call, args)
    return {
      tokens: access ? { access_token: access, expires_in: 4_000_000_000, refresh_token: refresh, refresh_expires: 4_000_000_000 } : null,
      now: 0,
      make: options => make(new Oppmg(options), args)
    }
  },

  twokeys(call, query, exchange) {
    const calls: { [call: string]: (api: Twokeys, args: any) => Promise<unknown> } = {
      'POST /api/login/login': (api, args) => api.login(args),
      'POST /api/login/logout': api => api.logout(),
      'POST /api/user/info': api => api.info(),
      'POST /api/user/password': (api, args) => api.changePassword(args.old_password, args.new_password),
      'GET /api/notice/list': (api, args) => api.notices.list(args.page),
      'POST /api/notice/add': (api, args) => api.notices.add(args),
      'GET /api/repair/getlist': (api, args) => api.call('repair', 'getlist', args, { method: 'GET', public: true })
    }
    const make = calls[call]
    unless(make, 'a call, or a method of it, that the SDK does not use')
    only(exchange, [], 'application/x-www-form-urlencoded')
    unless(query.map(([name]) => name).join().startsWith('client_id,api_token'), 'members left out, spelt otherwise, or in another order')
    const [[, clientId], [, shown]] = query as [[string, string], [string, string]]
    const clientSecret = exchange.secrets.get(clientId)
    unless(clientSecret && shown === PHP(call.split('/').slice(1), exchange.now, clientSecret), 'an api_token that is not the printed recipe of its line')
    unless(escapedWell(exchange.target.split('?')[1]!), 'text that is not escaped')
    const rest = query.slice(2)
    unless(call.startsWith('GET') || !rest.length, 'members in another place')
    unless(call.startsWith('GET') || escapedWell(exchange.body), 'text that is not escaped')
    const given = call.startsWith('GET') ? rest : members(exchange.body)
    const [id, token] = given[0]?.[0] === 'user_id' && given[1]?.[0] === 'user_token' ? [given[0][1], given[1][1]] : []
    const args = Object.fromEntries(token === undefined ? given : given.slice(2))
    const inQuery = call.startsWith('GET') && token !== undefined
    unless(!inQuery && !('user_id' in args || 'user_token' in args), 'members in another place')
    unless(token || !/logout/.test(call), 'nobody to log out')
    arguments_(call, args)
    return {
      tokens: token ? { user_id: Number(id), user_token: token, expire_time: 0 } : null,
      now: exchange.now,
      make: options => make(new Twokeys({ ...options, clientId, clientSecret }), args)
    }
  },

  zhiyun(call, query, exchange) {
    const calls: { [call: string]: (api: Zhiyun, args: any) => Promise<unknown> } = {
      'POST auth/login': (api, args) => api.login(args),
      'GET auth/authorize': api => api.authorize(),
      'POST auth/logout': api => api.logout(),
      'GET user/getUserInfo': api => api.info(),
      'GET company/getCompanyInfo': api => api.company(),
      'GET notice/list': api => api.notices.list(),
      'POST notice/add': (api, args) => api.notices.add(args)
    }
    unless(!/\/xml$/.test(call), 'XML')
    const parts = /^(\w+) \/apis\/rest\/(\w+)Service\/(\w+)\/json$/.exec(call)
    const name = parts && `${parts[1]} ${parts[2]}/${parts[3]}`
    const make = name && calls[name]
    unless(make, 'a call, or a method of it, that the SDK does not use')
    only(exchange, ['Authorization'], 'application/x-www-form-urlencoded')
    const basic = /^Basic (\S+)$/.exec(header(exchange, 'Authorization') ?? '')?.[1]
    const [clientId, clientSecret] = Buffer.from(basic ?? '', 'base64').toString().split(':')
    const whole = basic === Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
    unless(whole && clientId && clientSecret, 'no whole header of the Basic scheme')
    const shape = NEEDS[name.split(' ')[1]!] ?? ['access_token', 'client_id', 'auth_code']
    unless(query.map(([member]) => member).join() === [...shape, 't_', 'p_'].join(), 'members left out, spelt otherwise, or in another order')
    const member = Object.fromEntries(query) as { [name: string]: string }
    unless(/^\d{13}$/.test(member['t_']!) && Number(member['p_']) === (Number(member['t_']) % 10000) * 3 + 2345, 'a t_ and p_ that do not belong together, or are no milliseconds')
    unless(!('client_id' in member) || member['client_id'] === clientId, 'another client_id than the header')
    unless(escapedWell(exchange.target.split('?')[1]!) && escapedWell(exchange.body), 'text that is not escaped')
    const args = Object.fromEntries(members(exchange.body))
    arguments_(name, args)
    const now = Number(member['t_'])
    return {
      tokens: member['access_token'] ? { access_token: member['access_token'], auth_code: member['auth_code'], authorized: now } : null,
      now,
      make: options => make(new Zhiyun({ ...options, clientId, clientSecret }), args)
    }
  },

  thinkjs(call, query, exchange) {
    const calls: { [call: string]: (api: Thinkjs, args: any) => Promise<unknown> } = {
      'POST /api/system/token/create': (api, args) => api.login(args),
      'POST /api/system/token/delete': api => api.logout(),
      'GET /api/system/user/info': api => api.info(),
      'POST /api/system/user/password': (api, args) => api.changePassword(args.old_password, args.new_password),
      'POST /api/notice/list': (api, args) => api.call('notice', 'list', args),
      'POST /api/notice/add': (api, args) => api.notices.add(args)
    }
    const make = calls[call]
    unless(make, 'a call, or a method of it, that the SDK does not use')
    unless(!query.length, 'members in another place')
    only(exchange, ['Authorization'])
    const token = header(exchange, 'Authorization')
    unless(token !== '', 'an empty token')
    unless(token || !/delete/.test(call), 'nobody to log out')
    unless(!token || !/create/.test(call), 'tokens where the SDK shows none')
    const args = exchange.body ? object(exchange) : undefined
    arguments_(call, args)
    return { tokens: token ? { token } : null, now: exchange.now, make: options => make(new Thinkjs(options), args) }
  }
}

/** What the SDK's types ask of a caller; the transcripts also try what they forbid. */
const ARGUMENTS: { [call: string]: string[] } = {
  'POST /user/login': ['username', 'password'],
  'POST /user/register': ['username', 'password'],
  'POST /user/password': ['old_password', 'new_password'],
  'POST /notice/add': ['title', 'content'],
  'POST /auth/login': ['account', 'password'],
  'POST /v1/user/password': ['old_password', 'new_password'],
  'POST /v1/notice/add': ['title', 'content'],
  'POST /api/login/login': ['username', 'password'],
  'POST /api/user/password': ['old_password', 'new_password'],
  'POST /api/notice/add': ['title', 'content'],
  'POST auth/login': ['username', 'password'],
  'POST notice/add': ['title', 'content'],
  'POST /api/system/token/create': ['username', 'password'],
  'POST /api/system/user/password': ['old_password', 'new_password']
}

const NEEDS: { [call: string]: string[] } = {
  'auth/login': [],
  'auth/authorize': ['access_token'],
  'auth/logout': ['access_token'],
  'notice/list': []
}

function arguments_(call: string, args: { [name: string]: unknown } | undefined): void {
  const wanted = ARGUMENTS[call]
  const typed = !wanted || (args && Object.keys(args).join() === wanted.join() && wanted.every(name => typeof args[name] === 'string'))
  unless(typed, 'arguments that the types forbid')
  unless(!/change_company/.test(call) || (args && Object.keys(args).join() === 'company_id' && typeof args['company_id'] === 'number' && Number.isInteger(args['company_id'])), 'arguments that the types forbid')
  unless(!/(list|info|logout|refresh_token|delete)$/.test(call) || !args || Object.keys(args).every(name => name === 'page') && (!('page' in args) || /list/.test(call)), 'arguments that the types forbid')
}

function header(exchange: Exchange, name: string): string | undefined {
  return exchange.headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1]
}

function only(exchange: Exchange, credentials: string[], type = 'application/json'): void {
  const names = exchange.headers.map(([name]) => name.toLowerCase())
  unless(new Set(names).size === names.length, 'a header twice')
  const known = [...credentials.map(name => name.toLowerCase()), 'accept', 'accept-language', 'content-type']
  unless(names.every(name => known.includes(name)), 'a header that the SDK does not send')
  unless([undefined, 'application/json'].includes(header(exchange, 'Accept')), 'a header that the SDK does not send')
  unless([undefined, type].includes(header(exchange, 'Content-Type')), 'another content type')
  unless(exchange.headers.every(([, value]) => !/^\s|\s$|\ufffd/.test(value)), 'blanks or bytes that no header of ours holds')
}

function object(exchange: Exchange): { [name: string]: unknown } {
  let value: unknown
  try {
    value = JSON.parse(exchange.body)
  } catch {
    throw new Not('no JSON')
  }
  unless(isObject(value), 'no JSON object')
  unless(!/(\[|\{"a":){100}/.test(exchange.body), 'JSON nested without end')
  unless(JSON.stringify(value) === exchange.body, 'JSON with blanks, with escapes, or with a member twice')
  return value
}

function isObject(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function members(query: string): Members {
  return query ? [...new URLSearchParams(query)] : []
}

/** Whether each byte that needs an escape has one; a blank may be `+` alone. */
function escapedWell(text: string): boolean {
  return !/%20|%(?![0-9A-F]{2})|[^A-Za-z0-9%&=+.*_-]/.test(text) && !/%(?:FF|FE|00)/.test(text)
}

/** The document's printed recipe. */
function PHP(path: string[], now: number, secret: string): string {
  const day = new Date(now + 8 * 3_600_000).toISOString().slice(0, 10)
  return createHash('md5').update(path.join('') + day + secret).digest('hex')
}

/** Whether *name* is what an escape made, and none was needed otherwise. */
function escapedName(name: string): boolean {
  return /^[!-~]+$/.test(name) && encodeURIComponent(decodeURIComponent(name)) === name
}
