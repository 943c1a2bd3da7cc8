/**
 * `uni` and `wx` as they behave: callbacks, `statusCode`, `header`, `dataType`, a GET's data in its query, `abort`.
 *
 * Requests go to real servers, over Node's own HTTP.
 */
import { request } from 'node:http'
import type { ProgramRequestOptions } from '../src/index.js'

export interface Manners {
  /** Parses what looks like JSON whatever `dataType` says, as some platforms of uni-app do. */
  parses?: boolean
  /** How the names of an answer's headers come. */
  headers?: 'as sent' | 'lower' | 'upper'
}

export class Program {
  private readonly kept = new Map<string, unknown>()

  constructor(private readonly manners: Manners = {}) {}

  request(options: ProgramRequestOptions): { abort(): void } {
    const get = options.method === 'GET'
    const url = new URL(options.url)
    // What is given as data of a GET ends in the address.
    if (get && options.data) url.search += `${url.search ? '&' : '?'}${options.data}`
    const known = Object.keys(options.header).some(name => name.toLowerCase() === 'content-type')
    const headers = { ...(known ? {} : { 'content-type': 'application/json' }), ...options.header }
    const sent = request(url, { method: options.method, headers, timeout: options.timeout }, answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', part => (text += part))
      answer.on('error', () => options.fail({ errMsg: 'request:fail socket hang up' }))
      answer.on('end', () => options.success({ statusCode: answer.statusCode!, data: this.read(text, options), header: this.names(answer.rawHeaders) }))
    })
    let why = ''
    sent.on('timeout', () => ((why = 'timeout'), sent.destroy()))
    sent.on('error', error => options.fail({ errMsg: `request:fail ${why || error.message}` }))
    sent.end(get ? undefined : options.data)
    return { abort: () => ((why = 'abort'), sent.destroy()) }
  }

  /** A missing key reads as empty text. */
  getStorageSync(key: string): unknown {
    return this.kept.get(key) ?? ''
  }

  setStorageSync(key: string, value: unknown): void {
    this.kept.set(key, value)
  }

  removeStorageSync(key: string): void {
    this.kept.delete(key)
  }

  private read(text: string, options: ProgramRequestOptions): unknown {
    if (options.dataType !== 'json' && !this.manners.parses) return text
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }

  private names(raw: string[]): { [name: string]: string } {
    const headers: { [name: string]: string } = {}
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at]!
      const told = this.manners.headers === 'lower' ? name.toLowerCase() : this.manners.headers === 'upper' ? name.toUpperCase() : name
      headers[told] = raw[at + 1]!
    }
    return headers
  }
}
