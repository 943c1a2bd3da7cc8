"""
The client of Lingpai: five house styles of API, spoken from Python.

`Client(Oppmg("https://…/oppmg"))` is the small client; `AsyncClient` is the same, awaited. `Mowork`, `Oppmg`,
`Twokeys`, `Zhiyun` and `Thinkjs` are `httpx2.Auth`, and work with any client of httpx2's.
"""

from lingpai_client.calls import PUBLIC
from lingpai_client.client import AsyncClient, Client
from lingpai_client.contracts.mowork import Mowork
from lingpai_client.contracts.oppmg import Oppmg
from lingpai_client.contracts.thinkjs import Thinkjs
from lingpai_client.contracts.twokeys import Twokeys
from lingpai_client.contracts.zhiyun import Zhiyun
from lingpai_client.errors import (
    BadArgument,
    LingpaiError,
    NoAnswer,
    NotAllowed,
    NotThisContract,
    Refused,
    SignInAgain,
    SignInFailed,
    TooManyAttempts,
    TryLater,
)
from lingpai_client.outcomes import Outcome, Reason
from lingpai_client.storage import FileStorage, MemoryStorage, Storage

__all__ = [
    "PUBLIC",
    "AsyncClient",
    "BadArgument",
    "Client",
    "FileStorage",
    "LingpaiError",
    "MemoryStorage",
    "Mowork",
    "NoAnswer",
    "NotAllowed",
    "NotThisContract",
    "Oppmg",
    "Outcome",
    "Reason",
    "Refused",
    "SignInAgain",
    "SignInFailed",
    "Storage",
    "Thinkjs",
    "TooManyAttempts",
    "TryLater",
    "Twokeys",
    "Zhiyun",
]
