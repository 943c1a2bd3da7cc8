/**
 * mowork: a token, a user name and the server's last time on every call; HTTP 403 asks to sign in again.
 *
 * The token travels in `X-Token` alone: the document also allows it in the query, which logs keep.
 */
import { Calls } from '../core/calls.js'
import type { CallOptions } from '../core/client.js'
import { asObject, foreign, objectIn } from '../core/contract.js'
import type { Args, Asked, Contract, Heard, Written } from '../core/contract.js'
import { withQuery } from '../core/form.js'
import { outcomeOf, reasonOf } from '../core/outcomes.js'
import type { Outcome } from '../core/outcomes.js'
import type { Method, WireAnswer } from '../core/wire.js'
import { completed } from '../platform.js'
import type { Options } from '../platform.js'

export type ClientType = 'pc' | 'h5' | '微信' | '小程序' | 'ios' | 'Android' | 'ipad'

export interface MoworkOptions extends Options {
  /** Where business calls go, when they have a host of their own. */
  businessBase?: string
  /** `h5` when missing. */
  clientType?: ClientType
  /** The device's system and version, up to 32 characters. */
  clientSysVersion?: string
  apiVersion?: string
  /**
   * `latest` where the server accepts only the very last time that it told: calls then wait for each other, in all
   * tabs. `window` is the server's default, and this one's.
   */
  timestamp?: 'window' | 'latest'
}

export interface MoworkTokens {
  username: string
  token: string
  /** The latest time that the server told this session, as it wrote it. */
  told: string
  /** When the token ends, as the server wrote it. */
  expires: string
}

export interface MoworkGranted {
  username: string
  token: string
  user_token: string
  timestamp: string
  expire_time: string
}

export interface MoworkUser {
  username: string
  truename: string
  nickname: string
  /** `1` male, `2` female, `3` not told. */
  sex: '1' | '2' | '3'
  phone: string
  email: string
  avatar: string
  company_id: number | null
  company_name: string
  created: string
}

export interface MoworkRegistration {
  username: string
  password: string
  truename?: string
  nickname?: string
  sex?: '1' | '2' | '3'
  phone?: string
  email?: string
  avatar?: string
  invitation?: string
}

export const MOWORK_CODES: { readonly [code: string]: Outcome } = {
  '100000': 'ok',
  '403': 'session_over',
  '100001': 'sign_in_failed',
  '100002': 'argument_bad',
  '100003': 'name_taken',
  '100005': 'not_allowed',
  '100006': 'too_many_attempts',
  '100007': 'password_too_weak',
  '100008': 'too_many_devices',
  '100404': 'no_such_call',
  '100405': 'wrong_method',
  '100413': 'body_too_large',
  '100500': 'internal',
  '100503': 'busy'
}

/** How mowork writes and reads. */
export function moworkContract(options: Omit<MoworkOptions, 'transport'>): Contract<MoworkTokens> {
  const common = {
    client_type: options.clientType || 'h5',
    client_sys_version: options.clientSysVersion || 'unknown',
    api_version: options.apiVersion || 'v1.0'
  }
  return {
    name: 'mowork',
    oneAtATime: options.timestamp === 'latest',
    write(asked: Asked, tokens: MoworkTokens | null): Written {
      const ofAccount = asked.path.indexOf('/user/') === 0
      const url = (ofAccount ? options.base : options.businessBase || options.base) + asked.path
      const members: Args = tokens ? { ...common, req_timestamp: tokens.told } : common
      const headers: { [name: string]: string } = { Accept: 'application/json' }
      if (tokens) {
        headers['X-Token'] = tokens.token
        headers['X-Username'] = headerText(tokens.username)
      }
      if (asked.method === 'GET') {
        const query = { ...members, ...bracketed(asked.args || {}) }
        return { request: { method: 'GET', url: withQuery(url, query), headers, body: null }, canonical: [] }
      }
      headers['Content-Type'] = 'application/json'
      const body = JSON.stringify(asked.args ? { ...members, requestParam: asked.args } : members)
      return { request: { method: 'POST', url, headers, body }, canonical: [] }
    },
    read(answer: WireAnswer, asked: Asked): Heard<MoworkTokens> {
      const envelope = objectIn(answer.text)
      if (!envelope || typeof envelope['resCode'] !== 'string') return foreign(answer)
      const code = envelope['resCode']
      const data = asObject(envelope['responseParam'])
      const outcome = outcomeOf(MOWORK_CODES, code) || 'refused'
      return {
        outcome,
        code,
        message: String(envelope['resMessage']),
        data,
        reason: outcome === 'session_over' ? reasonOf(data && data['reason']) : null,
        tokens: outcome === 'ok' && asked.grants && data ? granted(data as unknown as MoworkGranted) : null,
        time: milliseconds(String(envelope['resTimestamp'])),
        envelope
      }
    },
    shown: tokens => tokens.token,
    session: tokens => tokens.token,
    told(tokens, answer, heard) {
      // Only an answer that went through the check of the time tells this session one; text in this shape sorts.
      const said = asObject(heard.envelope)
      const time = answer.status === 200 && said ? String(said['resTimestamp']) : ''
      return time > tokens.told ? { ...tokens, told: time } : tokens
    }
  }
}

/** Calls in the house style of mowork. */
export class Mowork extends Calls<MoworkTokens> {
  constructor(options: MoworkOptions) {
    super(moworkContract(options), completed(options, 'mowork'))
  }

  login(who: { username: string; password: string }, options?: CallOptions): Promise<MoworkGranted> {
    return this.enter('login', '/user/login', { ...who }, options)
  }

  /** A new user is signed in at once. Refused with `not_allowed` where registration is closed. */
  register(who: MoworkRegistration, options?: CallOptions): Promise<MoworkGranted> {
    return this.enter('register', '/user/register', { ...who }, options)
  }

  /** Oneself, or a colleague by name. */
  info(username?: string, options?: CallOptions): Promise<MoworkUser> {
    return this.account('info', 'GET', '/user/getinfo', username === undefined ? undefined : { username }, options)
  }

  checkToken(options?: CallOptions): Promise<{ username: string; expire_time: string }> {
    return this.account('checkToken', 'GET', '/user/checktoken', undefined, options)
  }

  async changePassword(from: string, to: string, options?: CallOptions): Promise<void> {
    const args = { old_password: from, new_password: to }
    await this.account('changePassword', 'POST', '/user/password', args, options)
  }

  logout(options?: CallOptions): Promise<void> {
    return this.client.logOut({ name: 'logout', method: 'POST', path: '/user/logout', user: true }, options)
  }

  protected override method(_module: string, name: string): Method {
    return name === 'list' ? 'GET' : 'POST'
  }

  protected path(module: string, name: string): string {
    return `/${module}/${name}`
  }
}

function granted(data: MoworkGranted): MoworkTokens {
  return { username: data.username, token: data.token, told: data.timestamp, expires: data.expire_time }
}

function bracketed(args: Args): Args {
  const members: { [name: string]: unknown } = {}
  for (const name of Object.keys(args)) members[`requestParam[${name}]`] = args[name]
  return members
}

/** A header holds ASCII; what is none, or looks like an escape, is percent-encoded, which the server reads too. */
function headerText(name: string): string {
  return /^[!-$&-~]+$/.test(name) ? name : encodeURIComponent(name)
}

/** `2017-07-26 23:02:56:336`, which is UTC, as milliseconds. */
function milliseconds(time: string): number | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d):(\d{3})$/.exec(time)
  if (!parts) return null
  const [year, month, day, hour, minute, second, rest] = parts.slice(1).map(Number) as [
    number, number, number, number, number, number, number
  ]
  return Date.UTC(year, month - 1, day, hour, minute, second, rest)
}
