"""httpx2 logs the address of each request, in which two of the contracts put what they prove themselves by."""

import logging
import re

SECRET = re.compile(r"\b(access_token|api_token|auth_code|user_token)=[^&#\s\"']*")


class WithoutSecrets(logging.Filter):
    """Leaves the names of those members in the log, and takes out their values."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_masked(part) for part in record.args)
        return True


def _masked(part: object) -> object:
    text = str(part)
    return SECRET.sub(r"\1=…", text) if SECRET.search(text) else part


def keep_secrets_out() -> None:
    """Make httpx2 log no secret of ours, whatever level is set."""
    logger = logging.getLogger("httpx2")
    if not any(isinstance(each, WithoutSecrets) for each in logger.filters):
        logger.addFilter(WithoutSecrets())
