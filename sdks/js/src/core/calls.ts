import { Client } from './client.js'
import type { CallOptions, ClientOptions, Wire } from './client.js'
import type { Args, Contract } from './contract.js'
import type { Reason } from './outcomes.js'
import { requestOf } from './request.js'
import type { Request } from './request.js'
import type { Method, WireRequest } from './wire.js'

export interface Notice {
  id: number
  title: string
  content: string
  /** In the server's timezone, as `2026-01-02 03:04:05`. */
  created: string
}

export interface BusinessOptions extends CallOptions {
  method?: Method
  /** Send it without the user's tokens, even when there are some. */
  public?: boolean
}

/** What the calls of every contract have in common. */
export abstract class Calls<T> {
  /** Requests by path, for pages that have a `common/request`. */
  readonly request: Request
  readonly notices: {
    /** The newest first, 20 a page, from page 1. */
    list(page?: number, options?: CallOptions): Promise<Notice[]>
    add(notice: { title: string; content: string }, options?: CallOptions): Promise<void>
  }
  protected readonly client: Client<T>

  protected constructor(contract: Contract<T>, options: ClientOptions, prefix = '') {
    const headers: { [name: string]: string } = {}
    const before = (request: WireRequest): unknown => {
      for (const name of Object.keys(headers)) request.headers[name] = headers[name] as string
      return options.before && options.before(request)
    }
    this.client = new Client(contract, { ...options, before })
    this.request = requestOf(this.client, prefix, headers)
    this.notices = {
      list: async (page, more) => {
        const args = page === undefined ? undefined : { page }
        const data = await this.call<{ notices: Notice[] }>('notice', 'list', args, { ...more, public: true })
        return data.notices
      },
      add: async (notice, more) => {
        await this.call('notice', 'add', { ...notice }, more)
      }
    }
  }

  /** Whether there are tokens; only the server knows whether they still hold. */
  get signedIn(): boolean {
    return this.client.tokens !== null
  }

  /** The tokens that the next call shows, or null. */
  get tokens(): T | null {
    return this.client.tokens
  }

  /** Hear of the end of a session, once for each; return how to stop. */
  onSignedOut(listener: (reason: Reason) => void): () => void {
    return this.client.signedOut.add(listener)
  }

  /** Hear of new tokens, from a sign-in, a renewal, or another tab; return how to stop. */
  onTokens(listener: (tokens: T) => void): () => void {
    return this.client.tokensChanged.add(listener)
  }

  /** Hear of every exchange, with tokens and secrets in the clear; return how to stop. */
  onWire(listener: (wire: Wire) => void): () => void {
    return this.client.wire.add(listener)
  }

  /** Stop listening to other tabs. */
  close(): void {
    this.client.close()
  }

  /** Make the business call *name* of *module*, and return its data. */
  async call<R = unknown>(module: string, name: string, args?: Args, options: BusinessOptions = {}): Promise<R> {
    const method = options.method || this.method(module, name)
    const asked = { name: `${module}/${name}`, method, path: this.path(module, name), args, user: !options.public }
    return (await this.client.ask(asked, options)).data as R
  }

  protected method(_module: string, _name: string): Method {
    return 'POST'
  }

  protected abstract path(module: string, name: string): string

  /** A call of the account side. */
  protected async account<R>(
    name: string,
    method: Method,
    path: string,
    args: Args | undefined,
    options?: CallOptions
  ): Promise<R> {
    return (await this.client.ask({ name, method, path, args, user: true }, options)).data as R
  }

  /** A call that needs no user and brings tokens. */
  protected async enter<R>(name: string, path: string, args: Args, options?: CallOptions): Promise<R> {
    const asked = { name, method: 'POST' as const, path, args, user: false, grants: true }
    return (await this.client.ask(asked, options)).data as R
  }
}
