"""How the tables came about: steps, each made once for ever. A change of a table is a further step."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
)

Number = BigInteger().with_variant(Integer, "sqlite")


def _number() -> Column[int]:
    return Column("id", Number, primary_key=True)


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _moment(name: str = "created") -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _of(table: str, *, nullable: bool = False) -> Column[int]:
    return Column(f"{table}_id", BigInteger, ForeignKey(f"community_{table}s.id"), nullable=nullable)


def begin(op: Any) -> None:
    """Make the first tables."""
    op.create_table(
        "community_items",
        _number(),
        Column("company_id", BigInteger, nullable=False),
        _words("name"),
        _moment(),
    )
    op.create_index("community_items_company", "community_items", ["company_id"])
    op.create_table(
        "community_rooms",
        _number(),
        _of("item"),
        _words("building_name"),
        _words("room_number"),
        _words("building_area"),
        _words("purpose"),
        _moment(),
    )
    op.create_index(
        "community_rooms_place", "community_rooms", ["item_id", "building_name", "room_number"], unique=True
    )
    op.create_table(
        "community_residents",
        _number(),
        _of("room"),
        Column("user_id", BigInteger),
        _words("name"),
        _words("phone"),
        Column("idcard", LargeBinary, nullable=False),
        Column("sex", SmallInteger, nullable=False),
        Column("identity", SmallInteger, nullable=False),
        _words("kindred"),
        _moment(),
    )
    op.create_index("community_residents_place", "community_residents", ["room_id", "phone"], unique=True)
    op.create_index("community_residents_user", "community_residents", ["user_id"])
    op.create_index("community_residents_phone", "community_residents", ["phone"])
    op.create_table(
        "community_chosen",
        Column("user_id", BigInteger, primary_key=True, autoincrement=False),
        _of("room"),
    )
    op.create_table(
        "community_repairs",
        _number(),
        _of("room"),
        Column("user_id", BigInteger, nullable=False),
        Column("progress", SmallInteger, nullable=False),
        Column("cancelled", Boolean, nullable=False),
        _words("schedule_time"),
        _words("home_category"),
        _words("content"),
        _words("linkman"),
        _words("phone"),
        _words("address"),
        Column("staff_id", BigInteger, nullable=False),
        Column("admin_id", BigInteger, nullable=False),
        Column("repairer", BigInteger, nullable=False),
        _words("remark"),
        Column("score", SmallInteger, nullable=False),
        _words("comment"),
        _moment(),
    )
    op.create_index("community_repairs_room", "community_repairs", ["room_id"])
    op.create_index("community_repairs_repairer", "community_repairs", ["repairer"])
    op.create_table(
        "community_news",
        _number(),
        _of("item"),
        Column("category", SmallInteger, nullable=False),
        Column("arrearage", SmallInteger, nullable=False),
        _words("title"),
        _words("content"),
        Column("author_id", BigInteger, nullable=False),
        _moment(),
    )
    op.create_index("community_news_item", "community_news", ["item_id"])
    op.create_table(
        "community_doors",
        _number(),
        _of("item"),
        _words("name"),
    )
    op.create_index("community_doors_item", "community_doors", ["item_id"])
    op.create_table(
        "community_keys",
        _number(),
        _of("door"),
        Column("user_id", BigInteger, nullable=False),
        Column("digest", LargeBinary, nullable=False, unique=True),
        Column("uses", Integer, nullable=False),
        _moment("ends"),
        _moment(),
    )
    op.create_index("community_keys_user", "community_keys", ["user_id"])
    op.create_table(
        "community_openings",
        _number(),
        _of("door"),
        Column("user_id", BigInteger, nullable=False),
        Column("identity", SmallInteger, nullable=False),
        _of("key", nullable=True),
        Column("opened", Boolean, nullable=False),
        _moment(),
    )
    op.create_index("community_openings_door", "community_openings", ["door_id"])
    op.create_index("community_openings_user", "community_openings", ["user_id"])
    op.create_table(
        "community_orders",
        _number(),
        Column("number", Text, nullable=False, unique=True),
        _of("room"),
        Column("user_id", BigInteger, nullable=False),
        Column("amount", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        _words("transaction_id"),
        _moment(),
    )
    op.create_index("community_orders_room", "community_orders", ["room_id"])
    op.create_table(
        "community_bills",
        _number(),
        _of("room"),
        Column("kind", SmallInteger, nullable=False),
        _words("period"),
        Column("amount", BigInteger, nullable=False),
        _words("detail"),
        _of("order", nullable=True),
        Column("paid", Boolean, nullable=False),
        _moment(),
    )
    op.create_index("community_bills_room", "community_bills", ["room_id"])
    op.create_index("community_bills_order", "community_bills", ["order_id"])
    op.create_table(
        "community_nonces",
        Column("nonce", Text, primary_key=True),
        _moment("at"),
    )
    op.create_index("community_nonces_at", "community_nonces", ["at"])
    op.create_table(
        "community_stand_in",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("sealed", LargeBinary, nullable=False),
    )


MIGRATIONS = (begin,)
