/**
 * zhiyun: an open platform. The app proves itself by HTTP's Basic scheme, its clock by `t_` and `p_`, its user by an
 * access_token, and that it was let in just now by an auth_code of a few seconds.
 *
 * Meant for servers: whoever can read a page's code can read its secret. The SDK fetches auth codes by itself.
 */
import { base64 } from '../core/base64.js'
import { Calls } from '../core/calls.js'
import type { CallOptions } from '../core/client.js'
import { asObject, foreign, objectIn } from '../core/contract.js'
import type { Args, Asked, Contract, Heard, Written } from '../core/contract.js'
import { form, withQuery } from '../core/form.js'
import { outcomeOf, reasonOf } from '../core/outcomes.js'
import type { Outcome } from '../core/outcomes.js'
import type { Method, WireAnswer } from '../core/wire.js'
import { completed } from '../platform.js'
import type { Options } from '../platform.js'

export interface ZhiyunOptions extends Options {
  clientId: string
  clientSecret: string
  /** For how long an auth_code is used before the next is asked for; 20 when missing, the server's is 30. */
  codeSeconds?: number
}

export interface ZhiyunTokens {
  access_token: string
  auth_code?: string
  /** When the auth_code came, by the server's clock, in milliseconds. */
  authorized?: number
}

export interface ZhiyunUser {
  username: string
  truename: string
  sex: string
  phone: string
  is_admin: '0' | '1'
  status: string | null
  avatar: string
  created: string
  nowtime: number
}

export interface ZhiyunCompany {
  company_name: string
  company_type: string
  tax_number: string
  province: string
  city: string
  zone: string
  address: string
  disable: string
  tel_phone: string
  legal_person_phone: string
  legal_person_name: string
  created: string
  nowtime: number
}

export const ZHIYUN_CODES: { readonly [code: string]: Outcome } = {
  200: 'ok',
  304: 'not_modified',
  400: 'unreadable',
  401: 'timestamp_bad',
  500: 'internal',
  501: 'no_such_call',
  601: 'argument_bad',
  602: 'nothing_there',
  100001: 'sign_in_failed',
  100002: 'client_refused',
  100008: 'client_refused',
  100009: 'client_refused',
  100014: 'session_over',
  100018: 'not_allowed',
  100019: 'code_spent',
  100020: 'code_spent',
  100021: 'code_spent',
  100023: 'code_spent',
  100030: 'too_many_attempts'
}

/** Calls for which the access_token is enough, and those that need nothing of a user. */
const WITHOUT_CODE = ['login', 'authorize', 'logout']

/** How zhiyun writes and reads. */
export function zhiyunContract(options: Omit<ZhiyunOptions, 'transport'>): Contract<ZhiyunTokens> {
  const pair = `${options.clientId}:${options.clientSecret}`
  const basic = `Basic ${base64(pair)}`
  const wantsCode = (asked: Asked): boolean => asked.user && WITHOUT_CODE.indexOf(asked.name) < 0

  function credentials(asked: Asked, tokens: ZhiyunTokens | null): Args {
    if (!tokens) return {}
    if (!wantsCode(asked)) return { access_token: tokens.access_token }
    return { access_token: tokens.access_token, client_id: options.clientId, auth_code: tokens.auth_code }
  }

  return {
    name: 'zhiyun',
    write(asked: Asked, tokens: ZhiyunTokens | null, now: number): Written {
      const p = String((now % 10000) * 3 + 2345)
      const canonical = [
        { name: 'p_', from: `${now} % 10000 * 3 + 2345`, value: p },
        { name: 'Authorization', from: pair, value: basic }
      ]
      const headers: { [name: string]: string } = { Accept: 'application/json', Authorization: basic }
      const inQuery = asked.method === 'GET' ? asked.args : {}
      const query = { ...credentials(asked, tokens), ...inQuery, t_: now, p_: p }
      const url = withQuery(options.base + asked.path, query)
      if (asked.method === 'GET') return { request: { method: 'GET', url, headers, body: null }, canonical }
      if (asked.args) headers['Content-Type'] = 'application/x-www-form-urlencoded'
      return { request: { method: 'POST', url, headers, body: asked.args ? form(asked.args) : null }, canonical }
    },
    read(answer: WireAnswer, asked: Asked): Heard<ZhiyunTokens> {
      const envelope = objectIn(answer.text)
      if (!envelope || typeof envelope['code'] !== 'number') return foreign(answer)
      const code = envelope['code']
      const data = asObject(envelope['data'])
      const outcome = outcomeOf(ZHIYUN_CODES, code) || 'refused'
      const nowtime = data && data['nowtime']
      return {
        outcome,
        code,
        message: String(envelope['message']),
        data,
        reason: outcome === 'session_over' ? reasonOf(answer.headers['x-lingpai-reason']) : null,
        tokens: outcome === 'ok' && asked.grants && data ? { access_token: String(data['access_token']) } : null,
        time: typeof nowtime === 'number' ? nowtime * 1000 + 500 : null,
        envelope
      }
    },
    shown: tokens => `${tokens.access_token} ${tokens.auth_code || ''}`,
    session: tokens => tokens.access_token,
    renewal: {
      needed: true,
      asked: { name: 'authorize', method: 'GET', path: '/apis/rest/authService/authorize/json', user: true },
      due(tokens, now, asked) {
        const age = now - (tokens.authorized || 0)
        return wantsCode(asked) && (!tokens.auth_code || age < 0 || age >= (options.codeSeconds || 20) * 1000)
      },
      take(tokens, heard, now) {
        const given = asObject(heard.data)
        return given ? { ...tokens, auth_code: String(given['auth_code']), authorized: now } : null
      }
    }
  }
}

/** Calls in the house style of zhiyun. */
export class Zhiyun extends Calls<ZhiyunTokens> {
  constructor(options: ZhiyunOptions) {
    super(zhiyunContract(options), completed(options, 'zhiyun'))
  }

  /** For the desktop program alone; other apps get its access_token handed over: `use` it. */
  login(
    who: { username: string; password: string },
    options?: CallOptions
  ): Promise<{ access_token: string; expires: number }> {
    return this.enter('login', '/apis/rest/authService/login/json', { ...who }, options)
  }

  /** Go on with an access_token that the desktop program got. */
  use(access_token: string): void {
    this.client.enter({ access_token })
  }

  /** A fresh auth_code. Calls get theirs by themselves. */
  async authorize(): Promise<string> {
    return (await this.client.renew()).auth_code as string
  }

  /** What the app's scope allows it to see; masked unless that is `full`. */
  info(options?: CallOptions): Promise<ZhiyunUser> {
    return this.account('info', 'GET', '/apis/rest/userService/getUserInfo/json', undefined, options)
  }

  /** The company that was the user's when the auth_code was made; refused with `nothing_there` where there is none. */
  company(options?: CallOptions): Promise<ZhiyunCompany> {
    return this.account('company', 'GET', '/apis/rest/companyService/getCompanyInfo/json', undefined, options)
  }

  logout(options?: CallOptions): Promise<void> {
    const path = '/apis/rest/authService/logout/json'
    return this.client.logOut({ name: 'logout', method: 'POST', path, user: true }, options)
  }

  protected override method(_module: string, name: string): Method {
    return name === 'list' ? 'GET' : 'POST'
  }

  protected path(module: string, name: string): string {
    return `/apis/rest/${module}Service/${name}/json`
  }
}
