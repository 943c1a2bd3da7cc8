/** What mini-programs lack is written anew here, and says what the platform says. */
import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { base64, fromBase64, md5 } from '../src/index.js'
import { form, withQuery } from '../src/core/form.js'
import { fromUtf8, utf8 } from '../src/core/utf8.js'

const TEXTS = [
  '', 'a', 'ab', 'abc', 'correct horse battery', '钥匙&key=20 字符 of it!!', 'İı', '\u0000\u007f\u0080\u07ff\u0800\uffff',
  '🎉𠮷', '\ud800', 'x\udc00y', '\ud83c', "~!*()'\"%+ &=#/?", ...Array.from({ length: 130 }, (_, n) => '字'.repeat(n) + 'x'.repeat(n % 5)),
  ...Array.from({ length: 100 }, (_, n) => randomBytes(n).toString('utf8'))
]

test('utf8 is what TextEncoder writes, and is read back', () => {
  for (const text of TEXTS) {
    const bytes = new TextEncoder().encode(text)
    expect(utf8(text)).toBe(String.fromCharCode(...bytes))
    expect(fromUtf8(utf8(text))).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
  }
})

test('md5 and base64 are what Node.js says', () => {
  for (const text of TEXTS) {
    expect(md5(text)).toBe(createHash('md5').update(text).digest('hex'))
    expect(base64(text)).toBe(Buffer.from(text).toString('base64'))
    expect(fromBase64(Buffer.from(text).toString('base64url'))).toBe(Buffer.from(text).toString())
  }
})

test('base64 that is none, or no text, is null', () => {
  expect([fromBase64('§'), fromBase64('/////w==')]).toEqual([null, null])
})

test('a form is what URLSearchParams writes; what is missing is left out, what is nested is JSON', () => {
  for (const text of TEXTS) expect(form({ a: text, [`b ${text}`]: 1 })).toBe(String(new URLSearchParams({ a: text, [`b ${text}`]: '1' })))
  expect(form({ a: undefined, b: null, c: false, d: [1, '二'] })).toBe('c=false&d=%5B1%2C%22%E4%BA%8C%22%5D')
  expect([withQuery('/x', {}), withQuery('/x', { a: 1 }), withQuery('/x?a=1', { b: 2 })]).toEqual(['/x', '/x?a=1', '/x?a=1&b=2'])
})
