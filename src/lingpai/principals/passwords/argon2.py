"""Passwords as argon2id hashes: t=2, 19 MiB, p=1 (OWASP and ASVS 5.0 appendix C)."""

import argon2

_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

NOBODYS = _HASHER.hash("nobody has this password")
"""A hash of the right cost for users who do not exist, so that they take as long as those who do."""


def hash_password(password: str) -> str:
    """Return *password* hashed with a new salt, encoded with its parameters."""
    return _HASHER.hash(password)


def verify_password(encoded: str, password: str) -> bool:
    """
    Return whether *password* is the one that was hashed.

    An *encoded* that is no argon2 hash answers False at once: pass `NOBODYS` for
    users without one, or the time tells.
    """
    try:
        return _HASHER.verify(encoded, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
