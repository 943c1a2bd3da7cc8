/**
 * UTF-8 of a text, as one character per byte. Half a surrogate pair becomes U+FFFD, as `TextEncoder` writes it.
 *
 * Our own, since mini-programs have no `TextEncoder`.
 */
export function utf8(text: string): string {
  let bytes = ''
  for (const character of text) {
    const point = character.codePointAt(0) as number
    const scalar = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point
    bytes += encoded(scalar)
  }
  return bytes
}

/** The text that the UTF-8 in *bytes*, one character per byte, spells; what is no UTF-8 is a `URIError`. */
export function fromUtf8(bytes: string): string {
  return decodeURIComponent(bytes.replace(/[^]/g, byte => '%' + hex(byte.charCodeAt(0))))
}

/** Two lower-case digits for a byte. */
export function hex(byte: number): string {
  return (byte < 16 ? '0' : '') + byte.toString(16)
}

function encoded(point: number): string {
  if (point < 0x80) return String.fromCharCode(point)
  if (point < 0x800) return String.fromCharCode(0xc0 | (point >> 6), tail(point, 0))
  if (point < 0x10000) return String.fromCharCode(0xe0 | (point >> 12), tail(point, 6), tail(point, 0))
  return String.fromCharCode(0xf0 | (point >> 18), tail(point, 12), tail(point, 6), tail(point, 0))
}

function tail(point: number, shift: number): number {
  return 0x80 | ((point >> shift) & 0x3f)
}
