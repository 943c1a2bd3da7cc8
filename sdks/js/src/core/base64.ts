import { fromUtf8, utf8 } from './utf8.js'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Base64 of a text's UTF-8 (RFC 4648, section 4), with padding. */
export function base64(text: string): string {
  const bytes = utf8(text)
  let written = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at
    const three =
      (bytes.charCodeAt(at) << 16) |
      (left > 1 ? bytes.charCodeAt(at + 1) << 8 : 0) |
      (left > 2 ? bytes.charCodeAt(at + 2) : 0)
    written += letter(three, 18) + letter(three, 12)
    written += (left > 1 ? letter(three, 6) : '=') + (left > 2 ? letter(three, 0) : '=')
  }
  return written
}

/** The text behind base64 in either alphabet, padded or not; null where it is none, or no UTF-8. */
export function fromBase64(written: string): string | null {
  let bytes = ''
  let bits = 0
  let held = 0
  for (const character of written.replace(/=+$/, '')) {
    const value = ALPHABET.indexOf(character === '-' ? '+' : character === '_' ? '/' : character)
    if (value < 0) return null
    held = ((held << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes += String.fromCharCode((held >> bits) & 0xff)
    }
  }
  try {
    return fromUtf8(bytes)
  } catch {
    return null
  }
}

function letter(three: number, shift: number): string {
  return ALPHABET.charAt((three >> shift) & 0x3f)
}
