"""
`lingpai serve`: every contract, over HTTP/1.1, on as many workers as are wanted.

Settings, keys, database and contracts are checked here, before any worker starts, so that what is wrong is one
line that names it. The workers share nothing but the data folder.
"""

import ipaddress
import multiprocessing
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.log import LogLevels

from lingpai import __version__
from lingpai.cli.demo import Made, has_data, is_demo, make_demo
from lingpai.cli.first_calls import FIRST_CALLS, Known
from lingpai.cli.opening import opened
from lingpai.cli.parameters import HERE, Data, command
from lingpai.cli.printing import Trouble, marked, said, show, show_text, table
from lingpai.cli.story import TRIED_BY
from lingpai.composition import Served
from lingpai.edge.logs import write_logs

APP = "lingpai.app:create"
"""What each worker runs, named and not imported: it stands left of us."""

STOP_SECONDS = 10
"""So long a worker may take to answer what it has begun, before it is killed."""

ORPHAN_SECONDS = 0.2
"""So often a worker looks whether its parent is still there."""

PORT_SECONDS = 3
"""So long we wait for the workers of a server that was killed to let go of the port."""

MOST_THREADS = 256
"""As the setting `threads` has it."""

MOST_WORKERS = 4
"""So many are started unless somebody says how many: more would mostly wait for SQLite's one writer."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Listening:
    """Where, and how."""

    host: Annotated[str, Parameter(help=said("监听地址", "Address to listen on."))] = "127.0.0.1"
    port: Annotated[int, Parameter(env_var="PORT", help=said("端口", "Port to listen on."))] = 8000
    tls_cert: Annotated[
        Path | None,
        Parameter(help=said("证书链(PEM)，与 --tls-key 一起用", "Certificate chain (PEM), together with --tls-key.")),
    ] = None
    tls_key: Annotated[Path | None, Parameter(help=said("证书的私钥(PEM)", "The certificate's private key (PEM)."))] = (
        None
    )

    @property
    def base_url(self) -> str:
        """How a browser on this machine writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}"


def serve(
    *,
    listening: Listening = Listening(),
    workers: Annotated[
        int | None,
        Parameter(
            env_var="WEB_CONCURRENCY",
            help=said("进程数，默认每核一个，最多四个", "Processes; one a core, four at most."),
        ),
    ] = None,
    threads: Annotated[
        int | None,
        Parameter(
            help=said("每个进程同时处理的数据库请求数", "Calls that one worker serves from the database at once.")
        ),
    ] = None,
    demo: Annotated[
        bool, Parameter(negative="", help=said("首次启动时生成演示数据", "Make demo data at the first start."))
    ] = False,
    data: Data = HERE,
) -> None:
    """Serve every contract until SIGTERM or Ctrl-C."""
    workers = min(MOST_WORKERS, os.cpu_count() or 1) if workers is None else workers
    _check_numbers(workers, listening.port, threads)
    _check_tls(listening)
    if demo or is_demo(data):
        _check_loopback(listening.host)
    if threads is not None:
        os.environ["LINGPAI_THREADS"] = str(threads)
    address = _address(listening)
    _await_port(address, listening.port)
    made = make_demo(data, listening.base_url) if demo and not has_data(data) else None
    if demo and not is_demo(data):
        raise Trouble(
            f"{data} 里的数据不是演示数据：去掉 --demo，或用 --data 指定另一个目录。",
            f"{data} holds data that is no demo: leave out --demo, or name another folder with --data.",
        )
    served, has_users = _checked(data)
    _greet(listening, data, workers)
    show("", _addresses(listening.base_url, listening.port, served))
    if is_demo(data):
        page = "[bold]演练场[/]  {url}", "[bold]Playground[/]  {url}"
        show("", marked(said(*page), url=f"{listening.base_url}/playground"))
    if made is not None:
        _show_first_calls(made, served, data)
    else:
        show("", _next_step(data, has_users=has_users))
    os.environ["LINGPAI_DATA"] = str(data.absolute())
    os.environ["LINGPAI_WORKERS"] = str(workers)
    write_logs()
    _run(listening, address, workers)
    show("", said("已停止", "stopped"))


def load_app() -> Any:
    """Return the application: what a worker runs first."""
    write_logs()
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        threading.Thread(target=_stop_when_orphaned, args=(parent.pid,), name="orphan", daemon=True).start()
    module, _, name = APP.partition(":")
    return getattr(import_module(module), name)()


def _stop_when_orphaned(parent: int) -> None:
    """Stop as on SIGTERM once the parent is gone: a server that was killed must not go on in its workers."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


def _checked(data: Path) -> tuple[Mapping[str, Served], bool]:
    """
    Return the contracts that will be served, and whether there are users; leave nothing open.

    Raises:
        SettingRefused: A setting is unknown or wrong.
        KeyTrouble: A key cannot be used.
        Trouble: A contract does not add up.

    """
    with opened(data, make=True) as house:
        try:
            house.prepare()
            _ = house.rates
        except ValueError as wrong:
            raise Trouble(f"接口约定有误：{wrong}", f"a contract does not add up: {wrong}") from None
        return house.served, bool(house.stores.accounts.page(0, 1))


def _run(listening: Listening, address: str, workers: int) -> None:
    server = Granian(
        APP,
        address=address,
        port=listening.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=workers,
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=True,
        ssl_cert=listening.tls_cert,
        ssl_key=listening.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        log_level=LogLevels.warning,
        log_dictconfig=_LOG,
    )
    if hasattr(signal, "SIGHUP"):
        _stop_with_terminal(server)
    server.serve(target_loader=load_app, wrap_loader=False)


def _stop_with_terminal(server: Any) -> None:
    """Let a closed terminal end the server, unless `nohup` says otherwise; Granian would only restart its workers."""
    before = signal.getsignal(signal.SIGHUP)
    if before == signal.SIG_IGN or sys.stdout.isatty():
        handler = before if before == signal.SIG_IGN else server.signal_handler_interrupt
        server.on_startup(lambda: signal.signal(signal.SIGHUP, handler))


_LOG: dict[str, Any] = {
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}
"""The server's own warnings go where ours go; it writes no line for each request, which could hold a token."""


def _check_numbers(workers: int, port: int, threads: int | None) -> None:
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise Trouble(
            f"--threads 应在 1 到 {MOST_THREADS} 之间，而不是 {threads}。",
            f"--threads must be 1 to {MOST_THREADS}, not {threads}.",
        )
    if workers < 1:
        raise Trouble(f"--workers 至少为 1，而不是 {workers}。", f"--workers must be at least 1, not {workers}.")
    if not 1 <= port <= 65535:  # noqa: PLR2004 - what a port can be
        raise Trouble(f"--port 应在 1 到 65535 之间，而不是 {port}。", f"--port must be 1 to 65535, not {port}.")


def _check_tls(listening: Listening) -> None:
    cert, key = listening.tls_cert, listening.tls_key
    if (cert is None) != (key is None):
        raise Trouble(
            "--tls-cert 和 --tls-key 要一起用。", "--tls-cert and --tls-key go together: give both, or neither."
        )
    if cert is None or key is None:
        return
    for path in (cert, key):
        if not path.is_file():
            raise Trouble(f"没有文件 {path}。", f"there is no file {path}.")
    try:
        # An empty password keeps OpenSSL from asking the terminal for one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except ssl.SSLError as wrong:
        raise Trouble(
            f"证书 {cert} 与私钥 {key} 不能用(需要配套的 PEM，私钥不加密):{wrong}",
            f"{cert} and {key} cannot be used (a matching pair in PEM, the key not encrypted): {wrong}",
        ) from None


def _check_loopback(host: str) -> None:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise Trouble(
            f"演示数据只在本机提供服务，不能监听 {host}：去掉 --host，或用 --data 指定真实数据。",
            f"demo data is served to this machine alone, not on {host}: leave out --host, or name other data.",
        )


def _address(listening: Listening) -> str:
    try:
        found = socket.getaddrinfo(listening.host, listening.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as wrong:
        raise Trouble(
            f"--host {listening.host}:{wrong.strerror}", f"--host {listening.host}: {wrong.strerror}"
        ) from None
    # Browsers try 127.0.0.1 for localhost when ::1 does not answer, not the other way round.
    return str(min(found, key=lambda one: one[0])[4][0])


def _await_port(address: str, port: int) -> None:
    """
    Make sure that nobody listens there: workers share the port, so the system would let us share it with a stranger.

    Raises:
        Trouble: Somebody does, or we may not.

    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    deadline = time.monotonic() + PORT_SECONDS
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as wrong:
                if time.monotonic() > deadline or isinstance(wrong, PermissionError):
                    raise Trouble(
                        f"不能监听 {address}:{port}({wrong.strerror})：用 --port 换一个端口。",
                        f"cannot listen on {address} port {port} ({wrong.strerror}): choose another with --port.",
                    ) from None
            else:
                return
        time.sleep(0.1)


def _greet(listening: Listening, data: Path, workers: int) -> None:
    kind = said(" · [bold yellow]演示 demo[/]", " · [bold yellow]demo[/]") if is_demo(data) else ""
    count = said(f"{workers} 个进程", f"{workers} worker{'s' if workers > 1 else ''}")
    show(
        marked("[bold]令牌 lingpai[/] {version}" + kind, version=__version__),
        marked(
            "[bold cyan]{base_url}[/]  [dim]{data} · {count} · {stops}[/]",
            base_url=listening.base_url,
            data=data,
            count=count,
            stops=said("Ctrl-C 停止", "Ctrl-C stops"),
        ),
    )


def _next_step(data: Path, *, has_users: bool) -> str:
    if has_users and is_demo(data):
        return said(
            f"演示账号的密码已在首次启动时显示。重设：\n{command('user reset 用户名', data)}",
            f"The demo's passwords were shown when it was made. For a new one:\n{command('user reset NAME', data)}",
        )
    if has_users:
        return ""
    return said(
        f"还没有用户。新增：\n{command('user add 用户名', data)}",
        f"There are no users yet. To add one:\n{command('user add NAME', data)}",
    )


def _addresses(base_url: str, port: int, served: Mapping[str, Served]) -> Any:
    scheme = base_url.partition(":")[0]
    both, sides = (
        said("账号与业务", "account and business"),
        {
            "": said("账号与业务", "account and business"),
            "account": said("账号", "account"),
            "business": said("业务", "business"),
        },
    )
    rows: list[Sequence[object]] = []
    for name, one in sorted(served.items()):
        rows.append((name, f"{base_url}/{name}/", both))
        rows += [("", f"{scheme}://{host}:{port}/", sides[side]) for host, side in one.hosts.items()]
    heads = (said("接口约定", "contract"), said("地址", "address"), said("提供", "serves"))
    shown = 2 if all(row[2] == both for row in rows) else 3
    return table(heads[:shown], [row[:shown] for row in rows], whole=heads[:2])


def _show_first_calls(made: Made, served: Mapping[str, Served], data: Path) -> None:
    """Print a call that signs in for each contract, ready to be pasted; last, and so in sight, the accounts."""
    tried = {name: TRIED_BY[name] for name in sorted(served) if name in TRIED_BY}
    heading = "[bold]第一次调用[/]，粘贴到另一个终端：", "[bold]First calls[/], to be pasted into another terminal:"
    show("", marked(said(*heading)))
    for name, (username, sentence) in tried.items():
        client = made.client_of(name)
        known = Known(
            made.base_url,
            username,
            made.user(username).password.reveal(),
            client.client.id if client else "",
            client.secret.reveal() if client else "",
        )
        show("", marked("[dim]# {name}: {sentence}[/]", name=name, sentence=said(*sentence)))
        show_text(FIRST_CALLS[name](known))
    rows = []
    for name, (username, _) in tried.items():
        user = made.user(username)
        rows.append((name, user.user.name, user.password.reveal(), user.user.truename))
    admin = next(one for one in made.users if one.user.role == "admin")
    rows.append(("", admin.user.name, admin.password.reveal(), admin.user.truename))
    heads = (said("接口约定", "contract"), said("用户名", "user"), said("密码", "password"), said("姓名", "name"))
    show(
        "",
        marked(
            said(
                "[bold]账号[/]，密码只显示这一次。重设：\n{reset}",
                "[bold]Accounts[/]; the passwords are shown this once. For a new one:\n{reset}",
            ),
            reset=command(said("user reset 用户名", "user reset NAME"), data),
        ),
    )
    show("", table(heads, rows, whole=heads))
    show("")
