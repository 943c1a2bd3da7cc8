"""What a server lets through its proxy: asked at its public address, as anybody could."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from lingpai.cli.findings import Finding, bad, fine
from lingpai.cli.printing import Trouble, check_no_password, said

SECONDS = 10
"""So long the server may take to answer."""

FORGED = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
"""What a stranger may write to be taken for this machine."""

OK = 200


def asked_through(url: str) -> Iterator[Finding]:
    """
    Yield what shows at *url*: whether a server answers, over TLS, and takes nobody for this machine who says so.

    Raises:
        Trouble: It is no URL.

    """
    check_no_password(url, "--url")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Trouble(f"--url 应为 https://名称，而不是 {url}。", f"--url must look like https://name, not {url}.")
    try:
        status, body = _answer(url, "/healthz", {})
        forged, _ = _answer(url, "/metrics", FORGED)
    except (OSError, HTTPException, ValueError) as wrong:
        yield bad("public address", f"{url} 没有应答：{wrong}", f"{url} does not answer: {wrong}")
        return
    if status != OK or b'"ok"' not in body:
        todo = said("让代理把 /healthz 也转给令牌", "let the proxy pass /healthz as well")
        yield Finding("public address", "warn", f"/healthz 应答 {status}", f"/healthz answers {status}", todo)
    else:
        yield fine("public address", f"{url} 有应答", f"{url} answers")
    if parts.scheme == "http":
        todo = said("在代理上启用 TLS", "let the proxy speak TLS")
        yield Finding("plain HTTP", "warn", "公开地址没有加密", "the public address is not encrypted", todo)
    if forged == OK:
        yield bad(
            "forged address",
            "自称本机的人能读 /metrics",
            "whoever says that they are this machine may read /metrics",
            said(
                "在 trusted_proxies 列出代理，并让它覆盖 X-Forwarded-For",
                "list the proxy in trusted_proxies, and let it overwrite X-Forwarded-For",
            ),
        )
    else:
        yield fine("forged address", "伪造的转发头不起作用", "a forged X-Forwarded-For changes nothing")


def _answer(url: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=SECONDS)
    try:
        connection.request("GET", parts.path.rstrip("/") + path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(65_536)
    finally:
        connection.close()
