"""Rotate the master key: seal every working key anew, and put the new master key in the old one's place."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from lingpai.principals.keys import Keyring
from lingpai.principals.master_key import MasterKeySource, make_key_file, put_in_force, read_key_file, rotating
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Ends


@dataclass(frozen=True, slots=True)
class MasterRotation:
    """
    Where the new key is written, and where the old one is kept.

    Args:
        stamp: Part of the name under which the old key's file stays.
        new_file: Where the new key is, or is to be put; None where its file is replaced.

    """

    stamp: str
    new_file: Path | None = None


@dataclass(frozen=True, slots=True)
class MasterRotated:
    """So many keys are sealed anew; *before* is the file of the old key, None where we have none."""

    keys: int
    before: Path | None


@dataclass(frozen=True, slots=True)
class RotateMaster:
    """
    Seal every working key under a new master key.

    The new key is on stable storage, in a file of its own, before the first row is sealed under it; the old one stays
    in its file until all are. Killed at any moment, it leaves the key that the rows are under in one of the two files
    that are read at the start. Workers go on with the keys that they have opened.
    """

    ENDS: ClassVar[Ends] = frozenset()
    FROM_MEMORY: ClassVar[bool] = False

    stores: Stores
    keys: Keyring
    source: MasterKeySource

    def __call__(self, operator: str, asked: MasterRotation) -> MasterRotated:
        """
        Return what was done.

        Raises:
            KeyTrouble: The new key's file cannot be used, a row cannot be opened, or another rotation is under way.

        """
        with rotating(self.source):
            new_file = asked.new_file or self.source.next_file
            # One that is there was left by a rotation that was cut short before any row was sealed under it.
            make_key_file(new_file, os.urandom)
            master = read_key_file(new_file)
            with self.stores.change(Event("master-key:rotated", "keys", "", operator)) as change:
                number = self.keys.seal_anew(change.keys, master)
            before = None if asked.new_file else put_in_force(self.source, asked.stamp)
        return MasterRotated(number, before)
