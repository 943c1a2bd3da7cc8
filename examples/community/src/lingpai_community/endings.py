"""How a call of this module can end, besides the core's endings, and how each contract spells it."""

from collections.abc import Mapping

from lingpai.vocabulary.outcomes import Ending, Row

NOT_FOUND = Ending("community", "not-found")
"""There is no such thing, or it is none of the caller's: which of the two is not told."""

OUT_OF_TURN = Ending("community", "out-of-turn")
"""The repair is not where this step begins, or somebody else was faster."""

KEY_BAD = Ending("community", "key-bad")
DOOR_SILENT = Ending("community", "door-silent")
BILL_HELD = Ending("community", "bill-held")
ORDER_OVER = Ending("community", "order-over")
PAYMENT_OFF = Ending("community", "payment-off")
THERE_ALREADY = Ending("community", "there-already")

SENTENCES: Mapping[Ending, tuple[str, str]] = {
    NOT_FOUND: ("没有找到", "not found"),
    OUT_OF_TURN: ("当前状态不能这样操作", "not possible in this state"),
    KEY_BAD: ("钥匙无效或已过期", "the key is not valid, or no longer"),
    DOOR_SILENT: ("门禁没有应答", "the door does not answer"),
    BILL_HELD: ("账单已支付或已在其他订单中", "a bill is paid, or in another order"),
    ORDER_OVER: ("订单已支付或已关闭", "the order is paid or closed"),
    PAYMENT_OFF: ("未开通支付", "payment is not set up"),
    THERE_ALREADY: ("已存在", "there already"),
}

FIRST_NUMBERS: Mapping[str, int | str | None] = {
    "mowork": "110001",
    "oppmg": "11001",
    "twokeys": None,
    "zhiyun": 110001,
    "thinkjs": None,
}
"""Each contract's number of the first ending, the others follow; None where failures have one number."""


def _rows(contract: str, first: int | str | None) -> tuple[Row, ...]:
    rows: list[Row] = []
    for place, (ending, (chinese, english)) in enumerate(SENTENCES.items()):
        number = first if first is None else type(first)(int(first) + place)
        # The message is twokeys's only code, so it is the same in every language.
        rows.append((200, number, chinese, None if contract == "twokeys" else english, ending))
    return tuple(rows)


CODES = {contract: _rows(contract, first) for contract, first in FIRST_NUMBERS.items()}
