"""
The tables of the property group; `migrations` makes them.

Users and companies are the core's, named by their ids. Times are milliseconds since 1970, money is whole fen.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

metadata = MetaData()

Number = BigInteger().with_variant(Integer, "sqlite")


def _number() -> Column[int]:
    return Column("id", Number, primary_key=True)


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _moment(name: str = "created") -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _of(table: str, *, nullable: bool = False) -> Column[int]:
    return Column(f"{table}_id", BigInteger, ForeignKey(f"community_{table}s.id"), nullable=nullable)


items = Table(
    "community_items",
    metadata,
    _number(),
    Column("company_id", BigInteger, nullable=False),
    _words("name"),
    _moment(),
    Index("community_items_company", "company_id"),
)

rooms = Table(
    "community_rooms",
    metadata,
    _number(),
    _of("item"),
    _words("building_name"),
    _words("room_number"),
    _words("building_area"),
    _words("purpose"),
    _moment(),
    Index("community_rooms_place", "item_id", "building_name", "room_number", unique=True),
)

# Who lives or owns where. One without a user_id is somebody's who has proved the phone number to be theirs.
residents = Table(
    "community_residents",
    metadata,
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
    Index("community_residents_place", "room_id", "phone", unique=True),
    Index("community_residents_user", "user_id"),
    Index("community_residents_phone", "phone"),
)

# The room that somebody looks at now.
chosen = Table(
    "community_chosen",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    _of("room"),
)

repairs = Table(
    "community_repairs",
    metadata,
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
    Index("community_repairs_room", "room_id"),
    Index("community_repairs_repairer", "repairer"),
)

news = Table(
    "community_news",
    metadata,
    _number(),
    _of("item"),
    Column("category", SmallInteger, nullable=False),
    Column("arrearage", SmallInteger, nullable=False),
    _words("title"),
    _words("content"),
    Column("author_id", BigInteger, nullable=False),
    _moment(),
    Index("community_news_item", "item_id"),
)

doors = Table(
    "community_doors",
    metadata,
    _number(),
    _of("item"),
    _words("name"),
    Index("community_doors_item", "item_id"),
)

# A key's digest only: the key itself was shown once.
keys = Table(
    "community_keys",
    metadata,
    _number(),
    _of("door"),
    Column("user_id", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("uses", Integer, nullable=False),
    _moment("ends"),
    _moment(),
    Index("community_keys_user", "user_id"),
)

openings = Table(
    "community_openings",
    metadata,
    _number(),
    _of("door"),
    Column("user_id", BigInteger, nullable=False),
    Column("identity", SmallInteger, nullable=False),
    _of("key", nullable=True),
    Column("opened", Boolean, nullable=False),
    _moment(),
    Index("community_openings_door", "door_id"),
    Index("community_openings_user", "user_id"),
)

orders = Table(
    "community_orders",
    metadata,
    _number(),
    Column("number", Text, nullable=False, unique=True),
    _of("room"),
    Column("user_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    _words("transaction_id"),
    _moment(),
    Index("community_orders_room", "room_id"),
)

bills = Table(
    "community_bills",
    metadata,
    _number(),
    _of("room"),
    Column("kind", SmallInteger, nullable=False),
    _words("period"),
    Column("amount", BigInteger, nullable=False),
    _words("detail"),
    _of("order", nullable=True),
    Column("paid", Boolean, nullable=False),
    _moment(),
    Index("community_bills_room", "room_id"),
    Index("community_bills_order", "order_id"),
)

# Of notifications that were believed, so that none is believed twice.
nonces = Table(
    "community_nonces",
    metadata,
    Column("nonce", Text, primary_key=True),
    _moment("at"),
    Index("community_nonces_at", "at"),
)

# The keys of the payment's stand-in, sealed; one row, whose id is 1.
stand_in = Table(
    "community_stand_in",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)
