"""
Secrets of client apps: how one is made, and how it is kept.

Each is kept twice: as a digest, for contracts that are shown it, and encrypted, for those that compute with it.
"""

from dataclasses import replace

from lingpai.principals.keys import DATA, PEPPER, Keyring
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Client, Randomness

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

SECRET_LENGTHS = {"twokeys": 20, "zhiyun": 16}
"""How long a secret each document prints; a client of both gets the longer."""


def sealed_place(client_id: str) -> str:
    """Return the place that a client's sealed secrets are bound to."""
    return f"clients.{client_id}.secret"


def new_secret(contracts: frozenset[str], randomness: Randomness) -> Secret:
    """Return a secret for a client that speaks *contracts*."""
    length = max((SECRET_LENGTHS[name] for name in contracts if name in SECRET_LENGTHS), default=20)
    number = int.from_bytes(randomness(32))
    letters = []
    for _ in range(length):
        number, digit = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[digit])
    return Secret("".join(letters))


def with_secret(client: Client, secret: Secret, keys: Keyring, now: int) -> Client:
    """Return *client* with *secret* as its only one."""
    return replace(
        client,
        secret_digest=keys.imprint(secret),
        secret_sealed=keys.seal(secret, sealed_place(client.id)),
        secret_made=now,
        old_digest=b"",
        old_sealed=b"",
        old_end=None,
    )


def with_new_secret(client: Client, secret: Secret, keys: Keyring, now: int, old_end: int) -> Client:
    """Return *client* with *secret* in use, and its last one good until *old_end*; an older one is gone."""
    fresh = with_secret(client, secret, keys, now)
    if old_end <= now:
        return fresh
    return replace(fresh, old_digest=client.secret_digest, old_sealed=client.secret_sealed, old_end=old_end)


def is_under_current_keys(client: Client, keys: Keyring) -> bool:
    """Return whether nothing that is kept of the client's secrets was made with a key that was rotated."""
    digests = [digest for digest in (client.secret_digest, client.old_digest) if digest]
    sealed = [sealed for sealed in (client.secret_sealed, client.old_sealed) if sealed]
    # A secret that is not sealed cannot be digested anew: its pepper has to stay.
    return all(keys.is_current(PEPPER, digest) for digest in digests) and all(
        keys.is_current(DATA, each) for each in sealed
    )


def under_current_keys(client: Client, keys: Keyring) -> Client:
    """
    Return *client* with the same secrets, kept under the keys that are current now.

    Raises:
        KeyTrouble: The key that they are sealed under is gone.

    """
    changed: dict[str, bytes] = {}
    for which in ("secret", "old"):
        sealed: bytes = getattr(client, f"{which}_sealed")
        if sealed:
            secret = keys.unseal(sealed, sealed_place(client.id))
            changed[f"{which}_sealed"] = keys.seal(secret, sealed_place(client.id))
            changed[f"{which}_digest"] = keys.imprint(secret)
    return replace(client, **changed)  # type: ignore[arg-type]
