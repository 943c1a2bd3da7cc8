"""A module whose calls and hook fail with whatever they were told in the message: what others' programs do."""

from dataclasses import dataclass

from lingpai.modules.module import BusinessCall, Hook, Module
from lingpai.vocabulary.arguments import Asks, Text
from lingpai.vocabulary.outcomes import Outcome, Refused


@dataclass(frozen=True)
class Note:
    text: str = ""


def trip(_caller, note):
    raise ValueError(f"cannot keep {note.text!r}")


def trip_below(_caller, note):
    try:
        int(note.text)
    except ValueError as trouble:
        raise LookupError(note) from trouble


def refuse(_caller, _note):
    raise Refused(Outcome.ARGUMENT_BAD, fields={"text": ("不行", "will not do")})


def ring(rung):
    raise ValueError(f"cannot read {rung.body!r} under {rung.headers}")


def calls(_bench, _settings):
    which = Asks(Note, text=Text("text"))
    return (
        BusinessCall("clumsy", "trip", trip, which),
        BusinessCall("clumsy", "stumble", trip_below, which, public=True),
        BusinessCall("clumsy", "refuse", refuse, which),
        Hook("ring", ring),
    )


MODULE = Module(name="clumsy", build=calls)
