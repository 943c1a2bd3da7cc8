"""
WeChat Pay, version 3: the port, how its notifications are verified, and a stand-in that signs as it does.

A notification is signed with RSA and SHA-256 over timestamp, nonce and body; the order that it tells of is
encrypted with AES-256-GCM under the merchant's APIv3 key.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lingpai.vocabulary.clock import SECOND, Clock
from lingpai.vocabulary.values import Randomness

FRESH_SECONDS = 300
"""A notification that was signed longer ago, or so far ahead, is not believed (the clock may be so far off)."""


class Forged(Exception):
    """A notification is not believed; the message is for the log."""


class TooLate(Exception):
    """The order was paid already."""


class Unpaid(Exception):
    """A payment has no order that it could pay: a person has to look at it."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What a verified notification says: order number, amount in fen, WeChat's own number, and its nonce."""

    number: str
    amount: int
    transaction_id: str
    nonce: str


class Payments(Protocol):
    """What an order is paid with."""

    def prepay(self, number: str, amount: int) -> Mapping[str, str]:
        """Announce the order, and return what the app shows to WeChat."""

    def close(self, number: str) -> None:
        """
        See to it that nobody can pay the order any more.

        Raises:
            TooLate: Somebody has.

        """

    def read(self, headers: Mapping[str, str], body: bytes) -> Paid | None:
        """
        Return what a notification says, once it is proved to be WeChat's; None when it tells of no success.

        Raises:
            Forged: It is not proved.

        """


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who is paid: the merchant's number, the app's, and the key that WeChat encrypts under (32 bytes)."""

    mchid: str
    appid: str
    api_key: bytes


@dataclass(frozen=True, slots=True)
class Notifications:
    """
    Reads notifications.

    Args:
        certificates: WeChat's public keys, each by its serial number.

    """

    merchant: Merchant
    certificates: Mapping[str, rsa.RSAPublicKey]
    clock: Clock

    def read(self, headers: Mapping[str, str], body: bytes) -> Paid | None:
        """Return what it says: first freshness, then the signature, then what was encrypted, then who is paid."""
        timestamp, nonce = headers.get("wechatpay-timestamp", ""), headers.get("wechatpay-nonce", "")
        self._check_fresh(timestamp)
        if not 1 <= len(nonce) <= _LONGEST_NONCE:
            raise Forged("no nonce")
        self._check_signature(headers, signed_text(timestamp, nonce, body))
        told = self._opened(body)
        if told.get("trade_state") != "SUCCESS":
            return None
        amount = told.get("amount")
        if (told.get("mchid"), told.get("appid")) != (self.merchant.mchid, self.merchant.appid):
            raise Forged("another merchant is paid")
        if not isinstance(amount, dict) or amount.get("currency") != "CNY" or type(amount.get("total")) is not int:
            raise Forged("no amount in fen")
        return Paid(str(told.get("out_trade_no")), amount["total"], str(told.get("transaction_id")), nonce)

    def _check_fresh(self, timestamp: str) -> None:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _LONGEST_TIME):
            raise Forged("no timestamp")
        if abs(self.clock() // SECOND - int(timestamp)) > FRESH_SECONDS:
            raise Forged("the timestamp is not fresh")

    def _check_signature(self, headers: Mapping[str, str], text: bytes) -> None:
        key = self.certificates.get(headers.get("wechatpay-serial", ""))
        if key is None:
            raise Forged("signed by an unknown certificate")
        try:
            signature = base64.b64decode(headers.get("wechatpay-signature", ""), validate=True)
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, binascii.Error):
            raise Forged("the signature is wrong") from None

    def _opened(self, body: bytes) -> dict[str, Any]:
        try:
            resource = json.loads(body)["resource"]
            nonce, sealed = resource["nonce"].encode(), base64.b64decode(resource["ciphertext"], validate=True)
            plain = AESGCM(self.merchant.api_key).decrypt(nonce, sealed, resource["associated_data"].encode())
            told = json.loads(plain)
        except (InvalidTag, ValueError, LookupError, TypeError, AttributeError):
            raise Forged("what it tells of cannot be opened") from None
        if not isinstance(told, dict):
            raise Forged("what it tells of is nothing")
        return told


_LONGEST_NONCE, _LONGEST_TIME = 64, 12


def signed_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """Return what a notification's signature is made over."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


SERIAL = "STANDIN0000000000000000000000000000001"


class StandIn:
    """
    WeChat Pay on this machine: takes no money, and notifies as the real one does.

    Args:
        private: The key that it signs with; whoever has its public half believes it.
        is_paid: Whether an order is paid, by its number.

    """

    def __init__(
        self,
        merchant: Merchant,
        private: rsa.RSAPrivateKey,
        clock: Clock,
        randomness: Randomness,
        is_paid: Callable[[str], bool],
    ) -> None:
        self._merchant = merchant
        self._private = private
        self._clock = clock
        self._randomness = randomness
        self._is_paid = is_paid
        self._notifications = Notifications(merchant, {SERIAL: private.public_key()}, clock)

    def prepay(self, number: str, amount: int) -> Mapping[str, str]:
        return {"appid": self._merchant.appid, "partnerid": self._merchant.mchid, "prepayid": f"standin-{number}"}

    def close(self, number: str) -> None:
        if self._is_paid(number):
            raise TooLate(number)

    def read(self, headers: Mapping[str, str], body: bytes) -> Paid | None:
        return self._notifications.read(headers, body)

    def notification(self, number: str, fen: int, **changes: Any) -> tuple[dict[str, str], bytes]:
        """Return headers and body of the notification that the order was paid; *changes* stand in what it tells."""
        told = {
            "mchid": self._merchant.mchid,
            "appid": self._merchant.appid,
            "out_trade_no": number,
            "transaction_id": f"42000000{number[:20]}",
            "trade_type": "APP",
            "trade_state": "SUCCESS",
            "amount": {"total": fen, "payer_total": fen, "currency": "CNY", "payer_currency": "CNY"},
            **changes,
        }
        nonce = self._randomness(6).hex()
        sealed = AESGCM(self._merchant.api_key).encrypt(nonce.encode(), json.dumps(told).encode(), b"transaction")
        resource = {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": "transaction",
            "nonce": nonce,
        }
        body = json.dumps(
            {
                "id": self._randomness(16).hex(),
                "event_type": "TRANSACTION.SUCCESS",
                "resource_type": "encrypt-resource",
                "resource": resource,
            }
        ).encode()
        return self.signed(body), body

    def signed(self, body: bytes) -> dict[str, str]:
        """Return the headers of *body*, signed now."""
        timestamp, nonce = str(self._clock() // SECOND), self._randomness(16).hex()
        signature = self._private.sign(signed_text(timestamp, nonce, body), padding.PKCS1v15(), hashes.SHA256())
        return {
            "wechatpay-timestamp": timestamp,
            "wechatpay-nonce": nonce,
            "wechatpay-serial": SERIAL,
            "wechatpay-signature": base64.b64encode(signature).decode(),
        }


def new_private_key() -> str:
    """Return a new RSA key, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def private_key(pem: str) -> rsa.RSAPrivateKey:
    """Return the RSA key in *pem*."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("no RSA key")
    return key
