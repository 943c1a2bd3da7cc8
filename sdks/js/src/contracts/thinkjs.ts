/**
 * thinkjs: a token, raw in `Authorization`, and an errno on every answer; HTTP 401 asks to sign in again.
 *
 * `/api` is put before every path, as the document's `request` does.
 */
import { Calls } from '../core/calls.js'
import type { CallOptions } from '../core/client.js'
import { asObject, foreign, objectIn } from '../core/contract.js'
import type { Asked, Contract, Heard, Written } from '../core/contract.js'
import { withQuery } from '../core/form.js'
import { outcomeOf, reasonOf } from '../core/outcomes.js'
import type { Outcome } from '../core/outcomes.js'
import type { Request } from '../core/request.js'
import type { WireAnswer } from '../core/wire.js'
import { completed } from '../platform.js'
import type { Options } from '../platform.js'

export type ThinkjsOptions = Options

export interface ThinkjsTokens {
  token: string
}

export interface ThinkjsUser {
  id: number
  username: string
  truename: string
  phone: string
  avatar: string
}

/** `{ errno, errmsg, data }`, what a `request` is fulfilled with. */
export interface ThinkjsAnswer<D = unknown> {
  errno: number
  errmsg: string
  data: D
}

const ERRNOS: { readonly [errno: string]: Outcome } = {
  0: 'ok',
  401: 'session_over',
  1000: 'refused',
  1001: 'argument_bad'
}

/** errno 1000 and 1001 say little; the HTTP status, and where that is 200 the sentence, says which. */
const STATUSES: { readonly [status: number]: Outcome } = {
  404: 'no_such_call',
  413: 'body_too_large',
  500: 'internal',
  503: 'busy'
}

export const THINKJS_MESSAGES: { readonly [message: string]: Outcome } = {
  用户名或密码错误: 'sign_in_failed',
  'wrong user name or password': 'sign_in_failed',
  无权访问: 'not_allowed',
  'not allowed': 'not_allowed',
  操作过于频繁: 'too_many_attempts',
  'too many attempts': 'too_many_attempts',
  登录设备过多: 'too_many_devices',
  'too many devices': 'too_many_devices',
  请求无法解析: 'unreadable',
  'the request is unreadable': 'unreadable',
  密码过于简单: 'password_too_weak',
  'the password is too weak': 'password_too_weak',
  METHOD_NOT_ALLOWED: 'wrong_method'
}

/** How thinkjs writes and reads. */
export function thinkjsContract(options: Omit<ThinkjsOptions, 'transport'>): Contract<ThinkjsTokens> {
  return {
    name: 'thinkjs',
    write(asked: Asked, tokens: ThinkjsTokens | null): Written {
      const headers: { [name: string]: string } = { Accept: 'application/json' }
      if (tokens) headers['Authorization'] = tokens.token
      const url = options.base + asked.path
      if (asked.method === 'GET') {
        return { request: { method: 'GET', url: withQuery(url, asked.args || {}), headers, body: null }, canonical: [] }
      }
      if (asked.args) headers['Content-Type'] = 'application/json'
      const body = asked.args ? JSON.stringify(asked.args) : null
      return { request: { method: 'POST', url, headers, body }, canonical: [] }
    },
    read(answer: WireAnswer, asked: Asked): Heard<ThinkjsTokens> {
      const envelope = objectIn(answer.text)
      if (!envelope || typeof envelope['errno'] !== 'number') return foreign(answer)
      const code = envelope['errno']
      const message = String(envelope['errmsg'])
      const data = asObject(envelope['data'])
      const outcome: Outcome =
        answer.status === 401
          ? 'session_over'
          : (code && (STATUSES[answer.status] || outcomeOf(THINKJS_MESSAGES, message))) || ERRNOS[code] || 'refused'
      return {
        outcome,
        code,
        message,
        data,
        reason: outcome === 'session_over' ? reasonOf(data && data['reason']) : null,
        tokens: outcome === 'ok' && asked.grants && data ? { token: String(data['token']) } : null,
        time: null,
        envelope
      }
    },
    shown: tokens => tokens.token,
    session: tokens => tokens.token
  }
}

/** Calls in the house style of thinkjs. */
export class Thinkjs extends Calls<ThinkjsTokens> {
  constructor(options: ThinkjsOptions) {
    super(thinkjsContract(options), completed(options, 'thinkjs'), '/api')
  }

  login(
    who: { username: string; password: string },
    options?: CallOptions
  ): Promise<{ token: string; userInfo: ThinkjsUser }> {
    return this.enter('login', '/api/system/token/create', { ...who }, options)
  }

  info(options?: CallOptions): Promise<ThinkjsUser> {
    return this.account('info', 'GET', '/api/system/user/info', undefined, options)
  }

  async changePassword(from: string, to: string, options?: CallOptions): Promise<void> {
    const args = { old_password: from, new_password: to }
    await this.account('changePassword', 'POST', '/api/system/user/password', args, options)
  }

  logout(options?: CallOptions): Promise<void> {
    return this.client.logOut({ name: 'logout', method: 'POST', path: '/api/system/token/delete', user: true }, options)
  }

  protected path(module: string, name: string): string {
    return `/api/${module}/${name}`
  }
}

/**
 * The document's `request`, for a front end that keeps its token itself, in vuex say.
 *
 * Nothing is stored here: `before` gives each request its header.
 */
export function createRequest(options: ThinkjsOptions): Request {
  return new Thinkjs({ ...options, storage: 'memory' }).request
}
