import type { SendOptions, Transport, WireRequest } from '../core/wire.js'

/** An axios instance, as much of it as is used here. */
export interface Axios {
  // `any`, so that every version's own AxiosRequestConfig and AxiosResponse fit.
  request(config: any): Promise<any>
}

const asItIs = (data: unknown): unknown => data

/**
 * Sends by axios.
 *
 * Give it an instance of its own (`axios.create()`): interceptors that unwrap answers or retry belong to the page's
 * other requests. Every status is an answer, and neither side's text is touched.
 */
export function axiosTransport(axios: Axios): Transport {
  return async (request: WireRequest, options: SendOptions) => {
    const answer = await axios.request({
      method: request.method,
      url: request.url,
      baseURL: '',
      headers: request.headers,
      ...(request.body === null ? {} : { data: request.body }),
      timeout: options.timeoutSeconds * 1000,
      ...(options.signal ? { signal: options.signal } : {}),
      responseType: 'text',
      transformRequest: [asItIs],
      transformResponse: [asItIs],
      validateStatus: () => true,
      maxRedirects: 0,
      withCredentials: false
    })
    if (!answer || typeof answer.status !== 'number' || !answer.headers) {
      throw new Error('an interceptor changed the answer: give the SDK an axios instance of its own')
    }
    const headers: { [name: string]: string } = {}
    for (const name of Object.keys(answer.headers)) headers[name.toLowerCase()] = String(answer.headers[name])
    return { status: answer.status, headers, text: typeof answer.data === 'string' ? answer.data : '' }
  }
}
