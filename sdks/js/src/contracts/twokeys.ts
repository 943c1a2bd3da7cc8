/**
 * twokeys: `api_token`, an MD5 over the call, the day and the app's secret, and `user_token` beside it.
 *
 * The first stands in the query, as the document says. The second is posted in the form: addresses are kept in
 * logs. The secret of an app that runs on other people's devices can be read by them; the document knows no other way.
 */
import { Calls } from '../core/calls.js'
import type { CallOptions } from '../core/client.js'
import { asObject, foreign, objectIn } from '../core/contract.js'
import type { Asked, Contract, Heard, Written } from '../core/contract.js'
import { form, withQuery } from '../core/form.js'
import { md5 } from '../core/md5.js'
import { outcomeOf, reasonOf } from '../core/outcomes.js'
import type { Outcome } from '../core/outcomes.js'
import type { Method, WireAnswer } from '../core/wire.js'
import { completed } from '../platform.js'
import type { Options } from '../platform.js'

export interface TwokeysOptions extends Options {
  clientId: string
  clientSecret: string
  /** The server's own offset from UTC; 8, Shanghai's, when missing. */
  utcOffsetHours?: number
  /** What a success is counted as; 1 when missing. */
  successCode?: 0 | 1
}

export interface TwokeysTokens {
  user_id: number
  user_token: string
  /** The second at which it ends if it is never used. */
  expire_time: number
}

export interface TwokeysUser {
  user_id: number
  username: string
  name: string
  phone: string
}

/** A failure's message is its only code, and the same in every language. */
export const TWOKEYS_MESSAGES: { readonly [message: string]: Outcome } = {
  'access deny': 'client_refused',
  无权访问: 'not_allowed',
  登录失败: 'sign_in_failed',
  登录设备过多: 'too_many_devices',
  参数错误: 'argument_bad',
  密码过于简单: 'password_too_weak',
  操作过于频繁: 'too_many_attempts',
  接口不存在: 'no_such_call',
  请求方式错误: 'wrong_method',
  请求过大: 'body_too_large',
  系统繁忙: 'busy'
}

/** How twokeys writes and reads. */
export function twokeysContract(options: Omit<TwokeysOptions, 'transport'>): Contract<TwokeysTokens> {
  const success = options.successCode === undefined ? 1 : options.successCode
  const offset = (options.utcOffsetHours === undefined ? 8 : options.utcOffsetHours) * 3_600_000

  return {
    name: 'twokeys',
    write(asked: Asked, tokens: TwokeysTokens | null, now: number): Written {
      const day = new Date(now + offset).toISOString().slice(0, 10)
      const from = asked.path.split('/').join('') + day + options.clientSecret
      const keys = { client_id: options.clientId, api_token: md5(from) }
      const canonical = [{ name: 'api_token', from, value: keys.api_token }]
      const headers: { [name: string]: string } = { Accept: 'application/json' }
      const url = options.base + asked.path
      if (asked.method === 'GET' && !tokens) {
        const query = { ...keys, ...asked.args }
        return { request: { method: 'GET', url: withQuery(url, query), headers, body: null }, canonical }
      }
      // GET and POST are alike here, and only a form keeps the user's token out of the address.
      headers['Content-Type'] = 'application/x-www-form-urlencoded'
      const user = tokens ? { user_id: tokens.user_id, user_token: tokens.user_token } : {}
      const body = form({ ...user, ...asked.args })
      return { request: { method: 'POST', url: withQuery(url, keys), headers, body }, canonical }
    },
    read(answer: WireAnswer, asked: Asked, tokens: TwokeysTokens | null): Heard<TwokeysTokens> {
      const plain = answer.text === 'access deny'
      const envelope = plain ? { code: 1 - success, msg: 'access deny', data: [] } : objectIn(answer.text)
      const message = envelope && envelope['msg']
      if (!envelope || typeof envelope['code'] !== 'number' || typeof message !== 'string') return foreign(answer)
      const reason = reasonOf(answer.headers['x-lingpai-reason'])
      const data = asObject(envelope['data'])
      let outcome = envelope['code'] === success ? 'ok' : outcomeOf(TWOKEYS_MESSAGES, message) || 'refused'
      // One sentence has two meanings: sign in, where no token was shown or a reason is told; else not allowed.
      if (outcome === 'not_allowed' && (reason || (asked.user && !tokens))) outcome = 'session_over'
      if (outcome === 'busy' && answer.status === 500) outcome = 'internal'
      return {
        outcome,
        code: envelope['code'],
        message,
        data: data || envelope['data'],
        reason: outcome === 'session_over' ? reason : null,
        tokens: outcome === 'ok' && asked.grants && data ? (data as unknown as TwokeysTokens) : null,
        time: null,
        envelope
      }
    },
    shown: tokens => tokens.user_token,
    session: tokens => tokens.user_token
  }
}

/** Calls in the house style of twokeys. */
export class Twokeys extends Calls<TwokeysTokens> {
  constructor(options: TwokeysOptions) {
    super(twokeysContract(options), completed(options, 'twokeys'))
  }

  login(who: { username: string; password: string }, options?: CallOptions): Promise<TwokeysTokens> {
    return this.enter('login', '/api/login/login', { ...who }, options)
  }

  info(options?: CallOptions): Promise<TwokeysUser> {
    return this.account('info', 'POST', '/api/user/info', undefined, options)
  }

  async changePassword(from: string, to: string, options?: CallOptions): Promise<void> {
    const args = { old_password: from, new_password: to }
    await this.account('changePassword', 'POST', '/api/user/password', args, options)
  }

  logout(options?: CallOptions): Promise<void> {
    return this.client.logOut({ name: 'logout', method: 'POST', path: '/api/login/logout', user: true }, options)
  }

  protected override method(_module: string, name: string): Method {
    return name === 'list' ? 'GET' : 'POST'
  }

  protected path(module: string, name: string): string {
    return `/api/${module}/${name}`
  }
}
