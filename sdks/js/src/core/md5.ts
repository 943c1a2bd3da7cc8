import { hex, utf8 } from './utf8.js'

/*
 * RFC 1321. MD5 protects nothing any more; twokeys's document asks for it, and browsers' WebCrypto has none.
 */

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
const SINES = Array.from({ length: 64 }, (_, n) => Math.floor(Math.abs(Math.sin(n + 1)) * 0x100000000) | 0)

/** MD5 of a text's UTF-8, as 32 lower-case digits. */
export function md5(text: string): string {
  const words = padded(utf8(text))
  let state: State = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476]
  for (let block = 0; block < words.length; block += 16) state = mixed(state, words, block)
  return state.map(digits).join('')
}

type State = [number, number, number, number]

function mixed(before: State, words: number[], block: number): State {
  let [a, b, c, d] = before
  for (let step = 0; step < 64; step++) {
    const round = step >> 4
    const [mix, word] = chosen(round, step, b, c, d)
    const shift = SHIFTS[round * 4 + (step & 3)] as number
    const sum = (a + mix + (SINES[step] as number) + (words[block + word] as number)) | 0
    const turned = (sum << shift) | (sum >>> (32 - shift))
    ;[a, d, c, b] = [d, c, b, (b + turned) | 0]
  }
  return [(before[0] + a) | 0, (before[1] + b) | 0, (before[2] + c) | 0, (before[3] + d) | 0]
}

function chosen(round: number, step: number, b: number, c: number, d: number): [mix: number, word: number] {
  if (round === 0) return [(b & c) | (~b & d), step]
  if (round === 1) return [(d & b) | (~d & c), (5 * step + 1) & 15]
  if (round === 2) return [b ^ c ^ d, (3 * step + 5) & 15]
  return [c ^ (b | ~d), (7 * step) & 15]
}

/** The bytes, a one bit, zeros, and the length in bits, as little-endian words. */
function padded(bytes: string): number[] {
  const words: number[] = new Array((((bytes.length + 8) >> 6) + 1) * 16).fill(0)
  for (let at = 0; at <= bytes.length; at++) {
    const byte = at < bytes.length ? bytes.charCodeAt(at) : 0x80
    words[at >> 2] = (words[at >> 2] as number) | (byte << ((at & 3) * 8))
  }
  words[words.length - 2] = bytes.length << 3
  words[words.length - 1] = bytes.length >>> 29
  return words
}

function digits(word: number): string {
  return [0, 8, 16, 24].map(shift => hex((word >>> shift) & 0xff)).join('')
}
