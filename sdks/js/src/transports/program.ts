import type { SendOptions, Transport, WireAnswer, WireRequest } from '../core/wire.js'

/** `request` of `uni` or `wx`, as much of it as is used here. */
export interface ProgramRequest {
  request(options: ProgramRequestOptions): unknown
}

export interface ProgramRequestOptions {
  url: string
  method: string
  header: { [name: string]: string }
  data?: string
  dataType: string
  responseType: string
  timeout: number
  success(answer: ProgramAnswer): void
  fail(failure: { errMsg?: string }): void
}

export interface ProgramAnswer {
  statusCode: number
  data: unknown
  header?: { [name: string]: unknown } | null
}

/**
 * Sends by `uni.request` or `wx.request`.
 *
 * Their `data` is put into the query of a GET, so a GET never has any here; a text is sent as it stands. An answer
 * is asked for as text, and read also where the platform parsed it all the same.
 */
export function programTransport(program: ProgramRequest): Transport {
  return (request: WireRequest, options: SendOptions) =>
    new Promise<WireAnswer>((resolve, reject) => {
      if (options.signal && options.signal.aborted) return reject(new Error('aborted'))
      const { signal } = options
      let done = (): void => undefined
      const task = program.request({
        url: request.url,
        method: request.method,
        header: request.headers,
        ...(request.body === null ? {} : { data: request.body }),
        dataType: 'text',
        responseType: 'text',
        timeout: options.timeoutSeconds * 1000,
        success(answer) {
          done()
          resolve(read(answer))
        },
        fail(failure) {
          done()
          reject(new Error((failure && failure.errMsg) || 'request:fail'))
        }
      }) as { abort?: () => void } | undefined
      if (signal && task && task.abort) {
        const abort = (): void => task.abort && task.abort()
        signal.addEventListener('abort', abort)
        // One signal may serve many calls.
        done = () => signal.removeEventListener && signal.removeEventListener('abort', abort)
      }
    })
}

function read(answer: ProgramAnswer): WireAnswer {
  const headers: { [name: string]: string } = {}
  const told = answer.header || {}
  for (const name of Object.keys(told)) headers[name.toLowerCase()] = String(told[name])
  const { data } = answer
  const text = typeof data === 'string' ? data : data === undefined || data === null ? '' : JSON.stringify(data)
  return { status: answer.statusCode, headers, text }
}

/** `uni.request`, from uni-app. */
export const uniTransport = programTransport

/** `wx.request`, from WeChat. */
export const wxTransport = programTransport
