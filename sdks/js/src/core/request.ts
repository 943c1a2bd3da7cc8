import type { CallOptions, Client } from './client.js'
import type { Args } from './contract.js'
import type { Method } from './wire.js'

/**
 * The `request` of a front end's `common/request`: every request goes through it, and is a Promise.
 *
 * A promise is fulfilled with the whole answer (`{ errno, errmsg, data }` in thinkjs), also where it tells of an
 * error. It is rejected where there is nothing to read, and where the user has to sign in again, after
 * `onSignedOut` has heard of it.
 */
export interface Request {
  /** Sent with every request. */
  headers: { [name: string]: string }
  get<R = unknown>(path: string, args?: Args, options?: CallOptions): Promise<R>
  post<R = unknown>(path: string, args?: Args, options?: CallOptions): Promise<R>
}

/** *client* as such a `request`, which puts *prefix* before every path. */
export function requestOf<T>(client: Client<T>, prefix: string, headers: { [name: string]: string }): Request {
  const through =
    (method: Method) =>
    async <R>(path: string, args?: Args, options?: CallOptions): Promise<R> => {
      const asked = { name: path.replace(/^\//, ''), method, path: prefix + path, args, user: true }
      return (await client.hear(asked, options)).envelope as R
    }
  return { headers, get: through('GET'), post: through('POST') }
}
