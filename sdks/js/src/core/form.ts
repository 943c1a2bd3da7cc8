import type { Args } from './contract.js'

/**
 * *args* as `application/x-www-form-urlencoded`, a blank as `+`; what is `undefined` or `null` is left out.
 *
 * An object or a list is written as JSON: forms know only text.
 */
export function form(args: Args): string {
  return Object.keys(args)
    .filter(name => args[name] !== undefined && args[name] !== null)
    .map(name => `${escaped(name)}=${escaped(plain(args[name]))}`)
    .join('&')
}

/** *url* with *args* behind it. */
export function withQuery(url: string, args: Args): string {
  const query = form(args)
  return query ? url + (url.indexOf('?') < 0 ? '?' : '&') + query : url
}

function plain(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** As browsers write a form. Half a surrogate pair cannot be escaped; it goes as U+FFFD, as everywhere in this SDK. */
function escaped(text: string): string {
  return encodeURIComponent(whole(text))
    .replace(/[!'()~]/g, sign => '%' + sign.charCodeAt(0).toString(16).toUpperCase())
    .replace(/%20/g, '+')
}

function whole(text: string): string {
  let kept = ''
  for (const character of text) kept += /^[\ud800-\udfff]$/.test(character) ? '\ufffd' : character
  return kept
}
