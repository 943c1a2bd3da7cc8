/** What travels, in the words of every transport. */

export type Method = 'GET' | 'POST'

export interface WireRequest {
  method: Method
  url: string
  headers: { [name: string]: string }
  /** Text to send, or null for no body at all. */
  body: string | null
}

export interface WireAnswer {
  status: number
  /** By names in lower case; a browser shows a page only those that the server exposes. */
  headers: { [name: string]: string }
  text: string
}

/** What `AbortController` gives, or anything that looks like it. */
export interface Signal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener?(type: 'abort', listener: () => void): void
}

export interface SendOptions {
  timeoutSeconds: number
  signal?: Signal | undefined
}

/**
 * Sends a request once and promises the answer, whatever its status.
 *
 * Rejects with anything at all where no answer came. It may then have been done or not.
 */
export type Transport = (request: WireRequest, options: SendOptions) => Promise<WireAnswer>
