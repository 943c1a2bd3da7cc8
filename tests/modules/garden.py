"""A module that the house has never heard of: beds of plants, one gardener each."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, bindparam, insert, select, update

from lingpai.modules.module import BusinessCall, Hook, Module, Replied
from lingpai.modules.workbench import Workbench
from lingpai.vocabulary.arguments import Asks, Whole
from lingpai.vocabulary.arguments import Text as Words
from lingpai.vocabulary.outcomes import Ending, Outcome, Refused
from lingpai.vocabulary.settings import ModuleSettings

beds = Table(
    "garden_beds",
    MetaData(),
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("plant", Text, nullable=False),
    Column("gardener", BigInteger, nullable=False),
)

TAKEN = Ending("garden", "taken")
WILTED = Ending("garden", "wilted")

FREE = 0


class GardenSettings(ModuleSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    plants: tuple[str, ...] = ("rose", "牡丹")


@dataclass(frozen=True)
class Bed:
    id: int = 0
    plant: str = ""


@dataclass(frozen=True)
class Beds:
    beds: list[Bed]


@dataclass(frozen=True)
class Garden:
    bench: Workbench
    settings: GardenSettings

    def list(self, _visitor, _question):
        return Beds([Bed(row.id, row.plant) for row in self.bench.read.rows(select(beds).order_by(beds.c.id))])

    def plant(self, caller, bed):
        if bed.plant not in self.settings.plants:
            raise Refused(Outcome.ARGUMENT_BAD, fields={"plant": ("没有这种花", "does not grow here")})
        with self.bench.change("bed:planted", caller, plant=bed.plant) as tables:
            (row,) = tables.rows(insert(beds).returning(beds.c.id), plant=bed.plant, gardener=FREE)
        return Bed(row.id, bed.plant)

    def tend(self, caller, bed):
        with self.bench.change("bed:taken", caller, bed=bed.id) as tables:
            if tables.row(TAKE, bed=bed.id, by=caller.user.id) is None:
                raise Refused(TAKEN)

    def wilt(self, _caller, _question):
        raise Refused(WILTED)

    def burn(self, _caller, _question):
        raise RuntimeError("the shed is on fire")

    def flood(self, _caller, _question):
        raise Refused(Outcome.NAME_TAKEN)

    def watered(self, rung):
        with self.bench.change("bed:watered", None, litres=int(rung.headers["x-litres"])):
            return Replied(202, rung.body)


TAKE = (
    update(beds)
    .where(beds.c.id == bindparam("bed"), beds.c.gardener == FREE)
    .values(gardener=bindparam("by"))
    .returning(beds.c.id)
)


def calls(bench, settings):
    garden = Garden(bench, settings)
    which = Asks(Bed, id=Whole("id"))
    return (
        BusinessCall("garden", "list", garden.list, answers=Beds, public=True, reads=True),
        BusinessCall("garden", "plant", garden.plant, Asks(Bed, plant=Words("plant")), answers=Bed),
        BusinessCall("garden", "tend", garden.tend, which, role="gardener", ends=frozenset({TAKEN})),
        BusinessCall("garden", "wilt", garden.wilt, scope="compost", ends=frozenset({WILTED})),
        BusinessCall("garden", "burn", garden.burn),
        BusinessCall("garden", "flood", garden.flood),
        Hook("watered", garden.watered),
    )


def dig(op):
    op.create_table(
        "garden_beds",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("plant", Text, nullable=False),
    )


def fence(op):
    op.add_column("garden_beds", Column("gardener", BigInteger, nullable=False, server_default="0"))


MODULE = Module(
    name="garden",
    build=calls,
    settings=GardenSettings,
    codes={
        "mowork": (
            (200, "120001", "已有人照看", "somebody tends it", TAKEN),
            (200, "120002", "枯了", "wilted", WILTED),
        ),
        "oppmg": ((200, "12001", "已有人照看", "somebody tends it", TAKEN), (200, "12002", "枯了", "wilted", WILTED)),
        "twokeys": ((200, None, "已有人照看", None, TAKEN), (200, None, "枯了", None, WILTED)),
        "zhiyun": ((200, 120001, "已有人照看", "somebody tends it", TAKEN), (200, 120002, "枯了", "wilted", WILTED)),
        "thinkjs": ((200, None, "已有人照看", "somebody tends it", TAKEN), (200, None, "枯了", "wilted", WILTED)),
    },
    migrations=(dig, fence),
)
