"""Passwords as argon2id hashes: t=2, 19 MiB, p=1 (OWASP and ASVS 5.0 appendix C)."""

import argon2
from argon2.low_level import hash_secret_raw

_MEMORY = 19 * 1024
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=_MEMORY, parallelism=1)

NOBODYS = _HASHER.hash("nobody has this password")
"""A hash of the right cost for users who do not exist, so that they take as long as those who do."""


def hash_password(password: str) -> str:
    """Return *password* hashed with a new salt, encoded with its parameters."""
    return _HASHER.hash(password)


def verify_password(encoded: str, password: str) -> bool:
    """
    Return whether *password* is the one that was hashed.

    An *encoded* that is no argon2 hash answers False at once: pass `NOBODYS` for
    users without one, and `spend` what `work_of` says is missing, or the time tells.
    """
    try:
        return _HASHER.verify(encoded, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def work_of(encoded: str) -> int:
    """Return the work of verifying *encoded*, in KiB that are filled; 0 for what is no argon2 hash."""
    try:
        parameters = argon2.extract_parameters(encoded)
    except argon2.exceptions.InvalidHashError:
        return 0
    return parameters.time_cost * parameters.memory_cost


def spend(work: int) -> None:
    """Take as long as so much *work*."""
    passes, rest = divmod(work, _MEMORY)
    for time_cost, memory_cost in ((passes, _MEMORY), (1, rest)):
        if time_cost and memory_cost >= _LEAST_MEMORY:
            hash_secret_raw(b"", bytes(16), time_cost, memory_cost, 1, 16, argon2.Type.ID)


_LEAST_MEMORY = 8
"""KiB, of one lane (RFC 9106, section 3.1)."""
