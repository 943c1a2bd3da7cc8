"""Answers that the caller has already (RFC 9110, sections 8.8.3 and 13.1.2)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from lingpai.edge.call import Call
from lingpai.edge.contract import Step
from lingpai.edge.describing import TEXT, Asked
from lingpai.edge.envelopes import write_json
from lingpai.vocabulary.likeness import like, schema_like
from lingpai.vocabulary.outcomes import Ends, Outcome, Refused


@dataclass(frozen=True, slots=True)
class Changed(Step):
    """
    The answer carries an ETag, and is not the one that the caller's `If-None-Match` names.

    Placed after the operation; it concerns answers with the member *but*, which tells
    the time of the answer and does not count. Hence the tag is a weak one.
    """

    ENDS: ClassVar[Ends] = frozenset({Outcome.NOT_MODIFIED})

    but: str

    def asked(self) -> tuple[Asked, ...]:
        words = like('W/"6a1d0a1b3f0e4c5d8e9f00112233aabb"', "上次应答的 ETag", "the ETag of an answer held")
        return (Asked(place="header", name="If-None-Match", schema={**TEXT, **schema_like(words)}, required=False),)

    def headers(self) -> tuple[str, ...]:
        return ("ETag",)

    def __call__(self, call: Call) -> None:
        data = call.result
        if not isinstance(data, Mapping) or self.but not in data:
            return
        counted = write_json({name: value for name, value in data.items() if name != self.but})
        tag = f'W/"{hashlib.sha256(counted).hexdigest()[:32]}"'
        for known in call.request.values(b"if-none-match"):
            shown = {part.strip().removeprefix("W/") for part in known.decode("latin-1").split(",")}
            if not shown.isdisjoint(("*", tag.removeprefix("W/"))):
                raise Refused(Outcome.NOT_MODIFIED, headers={"etag": tag})
        call.answer_headers["etag"] = tag
