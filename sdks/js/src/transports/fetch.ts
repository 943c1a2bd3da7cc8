import type { SendOptions, Transport, WireRequest } from '../core/wire.js'

/** `fetch`, as much of it as is used here. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>

export interface FetchInit {
  method: string
  headers: { [name: string]: string }
  body?: string
  // `any`, so that the DOM's own RequestInit fits wherever this is compiled.
  signal?: any
  credentials: 'omit'
  cache: 'no-store'
  redirect: 'error'
}

export interface FetchAnswer {
  status: number
  headers: { forEach(each: (value: string, name: string) => void): void }
  text(): Promise<string>
}

declare const fetch: Fetch | undefined
declare const AbortController: (new () => { signal: unknown; abort(): void }) | undefined
declare function setTimeout(work: () => void, milliseconds: number): unknown
declare function clearTimeout(timer: unknown): void

/**
 * Sends by `fetch`, or by one that behaves like it.
 *
 * No cookies go along. A redirect is an error: it would carry tokens in headers to an address nobody named.
 */
export function fetchTransport(given?: Fetch): Transport {
  return async (request: WireRequest, options: SendOptions) => {
    const send = given || (typeof fetch === 'function' ? fetch : null)
    if (!send) throw new Error('there is no fetch here: give the client a transport')
    const { signal, done } = deadline(options)
    const init: FetchInit = {
      method: request.method,
      headers: request.headers,
      ...(request.body === null ? {} : { body: request.body }),
      ...(signal ? { signal } : {}),
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error'
    }
    try {
      const answer = await send(request.url, init)
      const headers: { [name: string]: string } = {}
      answer.headers.forEach((value, name) => {
        headers[name.toLowerCase()] = value
      })
      return { status: answer.status, headers, text: await answer.text() }
    } finally {
      done()
    }
  }
}

/** A signal that fires at the end of the time, or when the caller's does. */
function deadline(options: SendOptions): { signal: unknown; done: () => void } {
  if (typeof AbortController !== 'function') return { signal: options.signal, done: () => undefined }
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  const timer = setTimeout(abort, options.timeoutSeconds * 1000)
  const given = options.signal
  if (given && given.aborted) abort()
  else if (given) given.addEventListener('abort', abort)
  const done = (): void => {
    clearTimeout(timer)
    // One signal may serve many calls.
    if (given && given.removeEventListener) given.removeEventListener('abort', abort)
  }
  return { signal: controller.signal, done }
}
