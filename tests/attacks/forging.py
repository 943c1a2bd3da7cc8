"""
Forged tokens: everything that we know to be tried on whoever reads a JWT, made from one that is right.

Two kinds. A forgery has not been signed as we sign. An oddity has been, by our own key, but says what we never say:
only somebody with the key can make one, and all the same it opens nothing and breaks nothing.
"""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
RIGHT = {"alg": "HS256", "typ": "JWT"}

ALGORITHMS: tuple[Any, ...] = (
    *("none", "None", "NONE", "nOnE", "nonE", "none ", "", None, 0, True, ["HS256"], {"alg": "HS256"}),
    *("hs256", "Hs256", "HS256 ", "HS256\0", "HS384", "HS512", "HS1", "MD5", "RS256", "RS384", "RS512", "PS256"),
    *("ES256", "ES384", "ES512", "ES256K", "EdDSA", "dir", "A128KW", "RSA-OAEP", "PBES2-HS256+A128KW"),
)

EMBEDDED = {"kty": "oct", "k": "YXR0YWNrZXI", "alg": "HS256"}
ANOTHERS = b"the key of a stranger, 32 bytes!"

HEADERS: tuple[Mapping[str, Any], ...] = (
    {"jku": "https://attacker.example/keys.json"},
    {"jku": "file:///etc/passwd"},
    {"jwk": EMBEDDED},
    {"jwk": json.dumps(EMBEDDED)},
    {"x5u": "https://attacker.example/chain.pem"},
    {"x5c": ["MIIB"]},
    {"x5t": "AAAA"},
    {"x5t#S256": "AAAA"},
    {"kid": ""},
    {"kid": "1"},
    {"kid": "0"},
    {"kid": 1},
    {"kid": "../../../../dev/null"},
    {"kid": "' UNION SELECT 'k' --"},
    {"kid": "x" * 2000},
    {"kid": "a\0b"},
    {"crit": ["exp"], "exp": 1},
    {"crit": []},
    {"crit": ["b64"], "b64": False},
    {"b64": False},
    {"b64": True},
    {"zip": "DEF"},
    {"enc": "A128GCM"},
    {"cty": "JWT"},
    {"p2c": 10**9},
    {"typ": "JOSE"},
    {"typ": "at+jwt"},
    {"typ": "jwt"},
    {"typ": None},
    {"x": 1},
    {"__proto__": {}},
)

WHITE = (" ", "\t", "\n", "\r\n", "\0", "\x0b", "\xa0", "\u200b", "\ufeff", "\u3000", "%20", "%00", "%0a", "+")
LOOK_ALIKES = {"A": "\u0410", "a": "\u0430", "e": "\u0435", "o": "\u043e", "-": "\u2010", "_": "\uff3f"}


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def json_part(value: Any) -> str:
    return base64url(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def signature(signed: str, key: bytes, digest: str = "sha256") -> str:
    return base64url(hmac.digest(key, signed.encode(), digest))


@dataclass(frozen=True)
class Good:
    """
    A token that is right, and what whoever holds every key but its own could know besides.

    Args:
        key: That signed it: even under the right key, no header but ours is right.
        others: Keys of ours that it was not signed with, by what they are for.

    """

    token: str
    key: bytes
    others: Mapping[str, bytes]

    @property
    def parts(self) -> list[str]:
        return self.token.split(".")

    @property
    def claims(self) -> dict[str, Any]:
        payload = self.parts[1]
        return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))

    def signed(self, payload: str | bytes | Mapping[str, Any]) -> str:
        """Return a token with another payload (claims, their JSON, or the part as it stands), rightly signed."""
        match payload:
            case str():
                part = payload
            case bytes():
                part = base64url(payload)
            case _:
                part = json_part(payload)
        signed = f"{self.parts[0]}.{part}"
        return f"{signed}.{signature(signed, self.key)}"


def forgeries(good: Good) -> Iterator[tuple[str, str]]:
    """Yield forged tokens, each with what was done to it."""
    for way in (algorithms, headers, keys, signatures, flips, parts, blanks, sizes, wrappings):
        yield from ((name, token) for name, token in way(good) if token not in (good.token, ""))


def algorithms(good: Good) -> Iterator[tuple[str, str]]:
    _, payload, shown = good.parts
    for algorithm in ALGORITHMS:
        signed = f"{json_part({'alg': algorithm, 'typ': 'JWT'})}.{payload}"
        for how, made in {
            "signed by our key": signature(signed, good.key),
            "with the good signature": shown,
            "without a signature": "",
            "signed by an empty key": signature(signed, b""),
            "SHA-384 by our key": signature(signed, good.key, "sha384"),
            "SHA-512 by our key": signature(signed, good.key, "sha512"),
        }.items():
            yield f"alg {algorithm!r}, {how}", f"{signed}.{made}"


def headers(good: Good) -> Iterator[tuple[str, str]]:
    _, payload, shown = good.parts
    texts = [json.dumps({**RIGHT, **more}, separators=(",", ":")) for more in HEADERS]
    texts += [
        '{"typ":"JWT","alg":"HS256"}',
        '{"alg":"HS256"}',
        '{"alg": "HS256", "typ": "JWT"}',
        "{}",
        "",
        "null",
        "[]",
    ]
    texts += ['{"alg":"none","alg":"HS256","typ":"JWT"}', '{"alg":"HS256","alg":"none","typ":"JWT"}', '"HS256"']
    texts += ['{"alg":"HS256","typ":"JWT"}\n', '\ufeff{"alg":"HS256","typ":"JWT"}', '{"\\u0061lg":"HS256","typ":"JWT"}']
    for text in texts:
        signed = f"{base64url(text.encode())}.{payload}"
        for whose, key in (("ours", good.key), ("a stranger's", ANOTHERS), ("the embedded", b"attacker")):
            yield f"header {text[:60]!r}, key {whose}", f"{signed}.{signature(signed, key)}"
        yield f"header {text[:60]!r}, good signature", f"{signed}.{shown}"


def keys(good: Good) -> Iterator[tuple[str, str]]:
    signed = good.token.rpartition(".")[0]
    guesses: dict[str, bytes] = {
        **good.others,
        "nothing": b"",
        "zeros": bytes(32),
        "a stranger's": ANOTHERS,
        "secret": b"secret",
        "the document's secret": b"your-256-bit-secret",
        "half of it": good.key[:16],
        "all but a byte": good.key[:-1],
        "in hex": good.key.hex().encode(),
        "in base64": base64.b64encode(good.key),
        "backwards": good.key[::-1],
        "twice": good.key * 2,
        "hashed": hashlib.sha256(good.key).digest(),
        "the token itself": good.token.encode(),
        "its header": good.parts[0].encode(),
        "a public key": b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n",
    }
    for name, key in guesses.items():
        yield f"key: {name}", f"{signed}.{signature(signed, key)}"


def signatures(good: Good) -> Iterator[tuple[str, str]]:
    signed, _, shown = good.token.rpartition(".")
    header, payload, _ = good.parts
    raw = base64.urlsafe_b64decode(shown + "=")
    for length in range(len(shown)):
        yield f"signature cut to {length}", f"{signed}.{shown[:length]}"
    for more in ("A", "AA", "AAAA", "=", "==", shown, "!", "/", "\x7f", *WHITE):
        yield f"signature and {more!r}", f"{signed}.{shown}{more}"
        yield f"{more!r} and signature", f"{signed}.{more}{shown}"
        yield f"signature with {more!r} inside", f"{signed}.{shown[:20]}{more}{shown[20:]}"
    # The last letter of 43 has two bits that mean nothing: four texts of the same 32 bytes.
    last = LETTERS.index(shown[-1])
    for bits in range(1, 4):
        yield f"trailing bits {bits}", f"{signed}.{shown[:-1]}{LETTERS[last ^ bits]}"
    for place in (0, 15, 31):
        changed = bytes(byte ^ (place == index) for index, byte in enumerate(raw))
        yield f"a bit of byte {place}", f"{signed}.{base64url(changed)}"
    for name, text in {
        "in hex": raw.hex(),
        "in decimal": str(int.from_bytes(raw)),
        "in the other alphabet": base64.b64encode(raw + b"\xfb\xff\xfe").decode(),
        "encoded twice": base64url(shown.encode()),
        "padded": base64.urlsafe_b64encode(raw).decode(),
        "backwards": shown[::-1],
        "of the header alone": signature(header, good.key),
        "of the payload alone": signature(payload, good.key),
        "of both without a dot": signature(header + payload, good.key),
        "of the payload decoded": base64url(hmac.digest(good.key, json.dumps(good.claims).encode(), "sha256")),
        "zeros": base64url(bytes(32)),
        "ones": base64url(b"\xff" * 32),
        "null": "null",
        "true": "true",
        "brackets": "[]",
        "empty DER": base64url(bytes.fromhex("3006020100020100")),
        "in capitals": shown.upper(),
        "in small letters": shown.lower(),
        "full width": "".join(chr(ord(letter) + 0xFEE0) for letter in shown),
        "mathematical": "".join(chr(0x1D68A + ord(c) - 97) if "a" <= c <= "z" else c for c in shown) + "\U0001d68a",
    }.items():
        yield f"signature {name}", f"{signed}.{text}"


def flips(good: Good) -> Iterator[tuple[str, str]]:
    """Yield the token with one letter another: its case, its neighbour in the alphabet, what looks like it."""
    for place, letter in enumerate(good.token):
        before, after = good.token[:place], good.token[place + 1 :]
        if letter == ".":
            for other in (",", ":", "\u3002", "\uff0e", "\u2024", "..", "%2e", ""):
                yield f"dot at {place} as {other!r}", before + other + after
            continue
        if letter.swapcase() != letter:
            yield f"case at {place}", before + letter.swapcase() + after
        yield f"neighbour at {place}", before + LETTERS[LETTERS.index(letter) ^ 1] + after
        if letter in LOOK_ALIKES:
            yield f"look-alike at {place}", before + LOOK_ALIKES[letter] + after


def parts(good: Good) -> Iterator[tuple[str, str]]:
    header, payload, shown = good.parts
    for count in range(7):
        yield f"{count} parts", ".".join([header, payload, shown, payload, shown, header][:count])
        yield f"{count} dots", "." * count
    yield from {
        "no header": f".{payload}.{shown}",
        "no payload": f"{header}..{shown}",
        "no payload, signed": good.signed(""),
        "no signature": f"{header}.{payload}.",
        "signature alone": f"..{shown}",
        "signature first": f"{shown}.{header}.{payload}",
        "payload first": f"{payload}.{header}.{shown}",
        "an empty part more": f"{good.token}.",
        "an empty part before": f".{good.token}",
        "twice": f"{good.token}.{good.token}",
        "twice, with a comma": f"{good.token},{good.token}",
        "twice, with a blank": f"{good.token} {good.token}",
        "four parts, signed": good.signed(f"{payload}.{payload}"),
        "four parts, the third empty, signed": good.signed(f"{payload}."),
        "detached": f"{header}..{shown}",
    }.items()


def blanks(good: Good) -> Iterator[tuple[str, str]]:
    header, payload, shown = good.parts
    for blank in (*WHITE, "=", "=="):
        yield f"{blank!r} before", blank + good.token
        yield f"{blank!r} behind", good.token + blank
        yield f"{blank!r} behind the header", f"{header}{blank}.{payload}.{shown}"
        yield f"{blank!r} behind the payload", f"{header}.{payload}{blank}.{shown}"
        yield f"{blank!r} in the payload, signed", good.signed(payload[:40] + blank + payload[40:])
    # `Bearer ` itself, in any case, is how a header may announce a token (RFC 9110, section 11.1): no forgery.
    for word in ("Bearer", "Bearer  ", "JWT ", "Token ", "Basic ", "Bearer Bearer ", '"'):
        yield f"behind {word!r}", word + good.token


def sizes(good: Good) -> Iterator[tuple[str, str]]:
    _, payload, shown = good.parts
    for size in (4097, 5_000, 65_536, 1_000_000):
        yield f"{size} letters", "A" * size
        yield f"{size} dots", "." * size
        yield f"{size} letters of payload, signed", good.signed("A" * size)
        yield f"a payload of {size}, signed", good.signed({**good.claims, "more": "x" * size})
        yield f"{size} letters of signature", f"{good.parts[0]}.{payload}.{shown}{'A' * size}"
        yield f"{size} letters of header", f"{'A' * size}.{payload}.{shown}"
    yield "a NUL", "\0"
    yield "a deep payload, signed", good.signed(b'{"a":' + b"[" * 1400 + b"]" * 1400 + b"}")


def wrappings(good: Good) -> Iterator[tuple[str, str]]:
    header, payload, shown = good.parts
    flat = {"protected": header, "payload": payload, "signature": shown}
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(json.dumps(good.claims).encode()) + packer.flush()
    yield from {
        "JSON, flattened": json.dumps(flat),
        "JSON, general": json.dumps({"payload": payload, "signatures": [{"protected": header, "signature": shown}]}),
        "JSON, no signatures": json.dumps({"payload": payload, "signatures": []}),
        "in base64": base64.b64encode(good.token.encode()).decode(),
        "a token in a token": good.signed(good.token.encode()),
        "deflated, signed": good.signed(packed),
        "claims bare": json.dumps(good.claims),
        "percent-encoded": "".join(f"%{ord(letter):02x}" for letter in good.token),
        "a JWE": f"{json_part({'alg': 'dir', 'enc': 'A128GCM'})}..AAAA.{payload}.{shown}",
        "a PASETO": f"v2.local.{payload}",
        "quoted": f'"{good.token}"',
        "a query": f"?token={good.token}",
        "null": "null",
        "undefined": "undefined",
        "[object Object]": "[object Object]",
        "claims in the other alphabet, signed": good.signed(
            base64.b64encode(b'{"a":"\xc3\xbf\xc3\xbe>>>???~~~"}').decode().replace("=", "")
        ),
    }.items()


# What our key has signed, but we have not.

WRONG_NUMBERS: tuple[Any, ...] = ("1", True, None, -1, 1.0, 1.5e300, [1], {"a": 1}, "", "\0", "x" * 900)
WRONG_TEXTS: tuple[Any, ...] = (
    "",
    "\0",
    "\n",
    1,
    True,
    None,
    1.5,
    ["a"],
    {"a": "b"},
    "x" * 900,
    "\u202e",
    "%00",
    "null",
)


def oddities(good: Good, signed: Callable[[Mapping[str, Any]], str]) -> Iterator[tuple[str, str]]:
    """
    Yield tokens that our key has signed, whose claims we never write.

    Args:
        signed: Makes a token of claims, with everything that belongs to a right one.

    """
    claims = good.claims
    for name, value in claims.items():
        if name in ("iat", "nbf", "jti", "md5", "username"):
            continue
        yield f"without {name}", signed({n: v for n, v in claims.items() if n != name})
        for wrong in WRONG_NUMBERS if isinstance(value, int) else WRONG_TEXTS:
            yield f"{name} {wrong!r:.60}", signed({**claims, name: wrong})
    yield "the session unknown", signed({**claims, "sid": "A" * 22})
    yield "no claims", good.signed({})
    text = json.dumps(claims, separators=(",", ":"))
    for name, payload in {
        "an array": f"[{text}]".encode(),
        "a text": json.dumps(text).encode(),
        "null": b"null",
        "a number": b"1",
        "broken JSON": text[:-1].encode(),
        "more JSON behind": f"{text}{{}}".encode(),
        "NaN": text.replace(f":{claims['exp']}", ":NaN").encode(),
        "too large a number": text.replace(f":{claims['exp']}", ":1e999").encode(),
        "the last exp is past": f'{text[:-1]},"exp":1}}'.encode(),
        "the last session is unknown": f'{text[:-1]},"sid":"{"A" * 22}"}}'.encode(),
        "half a surrogate pair": text.replace(claims["sid"], "\\ud800").encode(),
        "no UTF-8": text.replace(claims["sid"], "@").encode().replace(b"@", b"\xff"),
        "UTF-16": text.encode("utf-16"),
        "BOM": text.encode("utf-8-sig"),
        "deep": text[:-1].encode() + b',"a":' + b"[" * 1200 + b"]" * 1200 + b"}",
        "digits": text.replace(f":{claims['exp']}", ":-" + "9" * 2000).encode(),
    }.items():
        yield f"payload: {name}", good.signed(payload)
