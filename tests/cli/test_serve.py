"""`lingpai serve` in earnest: workers, endings that hold on all of them, and what it refuses before it starts."""

import ipaddress
import os
import pty
import re
import secrets
import signal
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lingpai.composition import METRICS, open_house
from lingpai.edge.metrics import living_workers
from tests.cli.running import LINGPAI, environment, free_port, is_listening, serving, workers_of
from tests.cli.speaking import FRONT_ENDS, Person, sent

CALLS = 40
"""Calls on connections of their own: that the kernel hands all of them to one of two workers will not happen."""

SHORT_LIVED = {"LINGPAI_CONTRACTS__MOWORK__TOKEN_SECONDS": "10"}
"""So that a use is worth writing down a second after the last."""


def page(shown):
    """Return the lines for people, without those of the log, which are JSON."""
    return [line for line in shown.splitlines() if not line.startswith("{")]


def person(demo, port, contract, name):
    programs = [client for client in demo.made["clients"] if contract in client["contracts"]]
    program = programs[0] if programs else {"client_id": "", "client_secret": ""}
    return Person(port, name, demo.user(name)["password"], program["client_id"], program["client_secret"])


def test_a_session_ended_in_another_process_is_refused_on_every_worker_in_every_contract(demo, lingpai):
    with serving(demo.data, "--workers", "2") as server, ThreadPoolExecutor(8) as crowd:
        assert len(workers_of(server.process)) == 2
        _, root = sent(server.port, "GET", "/")
        assert root["contracts"] == sorted(FRONT_ENDS)
        held = {name: sign_in(person(demo, server.port, name, "wangfang")) for name, sign_in in FRONT_ENDS.items()}
        for name, session in held.items():
            assert all(crowd.map(lambda _, session=session: session.asks(), range(CALLS))), name

        ended = lingpai("session", "end", "--user", "wangfang", "--data", demo.data, "--json").json
        told = time.monotonic()
        assert ended["contracts"] == {**dict.fromkeys(FRONT_ENDS, 1), "zhiyun": 2}
        time.sleep(max(0, told + 1 - time.monotonic()))

        for name, session in held.items():
            assert not any(crowd.map(lambda _, session=session: session.asks(), range(CALLS))), name


def test_every_first_call_works_as_pasted(lingpai, tmp_path):
    with serving(tmp_path / "demo", "--demo") as server:
        shown = (tmp_path / f"server-{server.port}.log").read_text()
        calls = shown[shown.index("First calls") : shown.index("Accounts")].split("\n\n# ")[1:]
        assert len(calls) == len(FRONT_ENDS)
        for call in calls:
            name, lines = call.split(":", 1)[0], call.split("\n", 1)[1]
            done = subprocess.run(["/bin/sh", "-c", lines], capture_output=True, text=True, timeout=30, check=True)
            assert re.search(r'"(token|access_token|user_token)":"', done.stdout), (name, done.stdout)


def test_the_page_names_the_demo_the_addresses_and_an_account_for_each_contract(tmp_path):
    with serving(tmp_path / "demo", "--demo", "--workers", "1") as server:
        shown = (tmp_path / f"server-{server.port}.log").read_text()

        assert "demo" in shown.splitlines()[0]
        assert all(f"{server.base_url}/{name}/" in shown for name in FRONT_ENDS)
        assert max(len(line) for line in page(shown) if str(tmp_path) not in line) <= 80
        first, *_, accounts = re.findall(rf"(?:^(?:{'|'.join(FRONT_ENDS)}) .*\n)+", shown, re.MULTILINE)
        assert [line.split()[0] for line in first.splitlines()] == [line.split()[0] for line in accounts.splitlines()]
        assert shown.index("First calls") < shown.index(accounts)
        assert shown.split(accounts)[1].split()[0] == "admin"
        assert len(page(shown.split(accounts)[1])[1:]) <= 2
        assert "serves" not in shown
    with serving(tmp_path / "demo", "--demo", "--workers", "1") as server:
        again = (tmp_path / f"server-{server.port}.log").read_text()

        assert "user reset NAME" in again
        assert "curl" not in again


def test_hosts_that_the_settings_name_are_shown_with_their_side(demo):
    hosts = {
        "LINGPAI_CONTRACTS__MOWORK__ACCOUNT_HOSTS": "account.mowork.cn",
        "LINGPAI_CONTRACTS__MOWORK__BUSINESS_HOSTS": "api.mowork.cn",
    }
    with serving(demo.data, variables=hosts) as server:
        shown = (demo.data.parent / f"server-{server.port}.log").read_text()

    assert re.search(rf"http://account\.mowork\.cn:{server.port}/ +account\b", shown)
    assert re.search(rf"http://api\.mowork\.cn:{server.port}/ +business\b", shown)


def test_an_empty_house_says_how_to_add_the_first_user(tmp_path):
    with serving(tmp_path / "empty", "--workers", "1") as server:
        shown = (tmp_path / f"server-{server.port}.log").read_text()

    assert f"user add NAME --data {tmp_path / 'empty'}" in shown
    assert "demo" not in shown.splitlines()[0]


def test_demo_data_is_served_to_this_machine_only(demo, lingpai):
    assert lingpai("serve", "--host", "0.0.0.0", "--data", demo.data).is_refused("demo", "0.0.0.0", "--host")
    assert lingpai("serve", "--demo", "--host", "192.0.2.1", "--data", "new").is_refused("demo", "192.0.2.1")
    with serving(demo.data, "--host", "localhost", "--workers", "1") as server:
        assert server.process.poll() is None


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"LINGPAI_THREDS": "4"}, ["LINGPAI_THREDS: threds is unknown. Did you mean threads?"]),
        ({"LINGPAI_TYPO": "4"}, ["LINGPAI_TYPO: typo is unknown. There are: ", "threads"]),
        ({"LINGPAI_THREADS": "0"}, ["LINGPAI_THREADS: threads must be a whole number from 1 to 256, not 0."]),
        ({"LINGPAI_THREADS__X": "4"}, ["LINGPAI_THREADS__X: threads must be a whole number from 1 to 256."]),
        ({"LINGPAI_TIMEZONE": "Asia/Shanghi"}, ["LINGPAI_TIMEZONE: timezone must be a time zone", "Asia/Shanghi"]),
        (
            {"LINGPAI_MODULES__NOTICE__WRITERS": "me"},
            ["LINGPAI_MODULES__NOTICE__WRITERS: [modules.notice] writers must be one of admins, users"],
        ),
        (
            {"LINGPAI_CONTRACTS__OPPMG__ACCESS_SECONDS": "soon"},
            ["LINGPAI_CONTRACTS__OPPMG__ACCESS_SECONDS: [contracts.oppmg] access_seconds must be a whole number"],
        ),
        (
            {"LINGPAI_CONTRACTS__OPMG__ACCESS_SECONDS": "2"},
            ["LINGPAI_CONTRACTS__OPMG__ACCESS_SECONDS: [contracts.opmg] is unknown. Did you mean oppmg?"],
        ),
        ({"LINGPAI_CONTRACTS__MOWORK__REGISTRATION": "maybe"}, ["[contracts.mowork] registration must be one of"]),
        ({"LINGPAI_CONTRACTS__MOWORK__ENABLED": "maybe"}, ["[contracts.mowork] enabled must be true or false"]),
        (
            {"LINGPAI_CONTRACTS__MOWORK__WEAK__PLAIN_HTTP": "maybe"},
            [
                "LINGPAI_CONTRACTS__MOWORK__WEAK__PLAIN_HTTP: [contracts.mowork.weak] plain_http must be on, off",
                "maybe",
            ],
        ),
        (
            {"LINGPAI_TRUSTED_PROXIES": "10.0.0.0/8, 10.9.0.1/16"},
            ["LINGPAI_TRUSTED_PROXIES: trusted_proxies must be addresses", "such as 10.9.0.0/16", "not 10.9.0.1/16."],
        ),
        (
            {"LINGPAI_TRUSTED_PROXIES": '["10.0.0.0/8"]'},
            ["LINGPAI_TRUSTED_PROXIES: trusted_proxies must be a list, parted by commas", 'not ["10.0.0.0/8"].'],
        ),
        (
            {"LINGPAI_METRICS__ADDRESSES": "localhost"},
            ["LINGPAI_METRICS__ADDRESSES: [metrics] addresses must be addresses and networks", "not localhost."],
        ),
        (
            {"LINGPAI_CONTRACTS__ZHIYUN__REGISTRATION": "open"},
            ["LINGPAI_CONTRACTS__ZHIYUN__REGISTRATION: [contracts.zhiyun] registration is unknown."],
        ),
        (
            {"LINGPAI_CONTRACTS__THINKJS__TIMEZONE": "Asia/Tokyo"},
            ["LINGPAI_CONTRACTS__THINKJS__TIMEZONE: [contracts.thinkjs] timezone is unknown."],
        ),
        (
            {"LINGPAI_CONTRACT_FILES": "/nowhere.py"},
            ["LINGPAI_CONTRACT_FILES: contract_files: /nowhere.py is no Python file"],
        ),
        ({"LINGPAI_THREADS": "many", "LANG": "zh_CN.UTF-8"}, ["LINGPAI_THREADS：threads 应为整数"]),
        ({"LINGPAI_THREDS": "4", "LANG": "zh_CN.UTF-8"}, ["没有设置 threds。是不是 threads"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_bad_setting_is_named_before_anything_starts(demo, lingpai, variables, told):
    assert lingpai("serve", "--port", free_port(), "--data", demo.data, **variables).is_refused(*told)


def test_a_bad_setting_in_the_file_is_named_with_the_file(demo, lingpai):
    (demo.data / "lingpai.toml").write_text("threads = 'many'\n")
    words = ("serve", "--port", free_port(), "--data", demo.data)

    assert lingpai(*words).is_refused(
        f"{demo.data}/lingpai.toml: threads must be a whole number from 1 to 256, not many."
    )
    (demo.data / "lingpai.toml").write_text("[contracts.oppmg]\nacces_seconds = 5\n")
    assert lingpai(*words).is_refused(
        "lingpai.toml: [contracts.oppmg] acces_seconds is unknown", "mean access_seconds?"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--workers", "0"], ["--workers"]),
        (["--port", "70000"], ["--port", "70000"]),
        (["--port", "http"], ["--port"]),
        (["--host", "no.such.host.invalid"], ["--host", "no.such.host.invalid"]),
        (["--host", "192.0.2.1"], ["192.0.2.1"]),
        (["--tls-cert", "cert.pem"], ["--tls-cert", "--tls-key"]),
        (["--tls-cert", "cert.pem", "--tls-key", "key.pem"], ["cert.pem"]),
        (["--threads", "1000"], ["threads"]),
    ],
    ids=" ".join,
)
def test_a_bad_option_is_named_before_anything_starts(lingpai, options, told):
    port = [] if "--port" in options else ["--port", free_port()]

    assert lingpai("serve", *options, *port, "--data", "empty").is_refused(*told)


def test_a_port_that_somebody_has_is_not_shared_with_them(demo, lingpai):
    with serving(demo.data, "--workers", "1") as server:
        refused = lingpai("serve", "--port", server.port, "--data", demo.data)

        assert refused.is_refused(str(server.port), "--port")


def test_a_master_key_that_is_not_this_datas_is_said_before_anything_starts(demo, lingpai):
    (demo.data / "master.key").write_text(secrets.token_hex(32) + "\n")

    assert lingpai("serve", "--port", free_port(), "--data", demo.data).is_refused("master key")


@pytest.mark.parametrize(("language", "word"), [("C.UTF-8", "stopped"), ("zh_CN.UTF-8", "已停止")])
def test_ctrl_c_says_that_the_server_has_stopped_and_shows_no_traceback(demo, language, word):
    with serving(demo.data, "--workers", "2", variables={"LANG": language}) as server:
        log = demo.data.parent / f"server-{server.port}.log"
        before = log.read_text()
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(20) == 0

    said = page(log.read_text().removeprefix(before))
    assert [line.strip() for line in said if line.strip()] == [word]


def test_tls_is_spoken_with_a_certificate_of_ones_own(demo, tmp_path, lingpai):
    cert, key = certificate(tmp_path)
    with serving(demo.data, "--tls-cert", str(cert), "--tls-key", str(key), scheme="https") as server:
        trusting = ssl.create_default_context(cafile=str(cert))
        with urlopen(f"{server.base_url}/healthz", context=trusting, timeout=10) as answer:
            assert answer.status == 200

    other_cert, _ = certificate(tmp_path, "other-")
    mixed = ("serve", "--tls-cert", other_cert, "--tls-key", key, "--port", free_port(), "--data", demo.data)
    assert lingpai(*mixed).is_refused("matching pair")


def test_sigterm_stops_cleanly_and_writes_the_last_sightings(demo):
    with serving(demo.data, "--workers", "2", variables=SHORT_LIVED) as server:
        session = FRONT_ENDS["mowork"](person(demo, server.port, "mowork", "xujie"))
        assert session
        time.sleep(1.2)
        before = int(time.time() * 1000)
        assert session.asks()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        log = (demo.data.parent / f"server-{server.port}.log").read_text()

    house = open_house(demo.data, {})
    house.prepare()
    standing = house.stores.sessions.standing(house.keys.digest(session.token))
    house.stores.close()
    assert standing
    assert standing.session.last_seen >= before
    assert "Traceback" not in log
    assert not list(demo.data.glob("*-wal"))


def test_a_worker_that_dies_is_replaced(demo):
    with serving(demo.data, "--workers", "2") as server:
        first, other = workers_of(server.process)
        os.kill(first, signal.SIGKILL)
        assert becomes(lambda: len(set(workers_of(server.process)) - {first}) == 2)
        assert other in workers_of(server.process)
        assert becomes(lambda: sent(server.port, "GET", "/healthz")[0] == 200)


def test_workers_do_not_outlive_a_server_that_was_killed(demo):
    with serving(demo.data, "--workers", "2") as server:
        server.process.kill()
        server.process.wait(5)
        assert becomes(lambda: not is_listening(server.port))


def test_on_a_terminal_a_start_is_told_once_and_without_every_setting(demo):
    port, (ours, theirs) = free_port(), pty.openpty()
    words = ["serve", "--data", str(demo.data), "--port", str(port), "--workers", "2"]
    with subprocess.Popen(
        [*LINGPAI, *words], env=environment(), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        with ThreadPoolExecutor(1) as reader:
            shown = reader.submit(all_of, ours)
            assert becomes(lambda: living_workers(demo.data / METRICS) == 2, seconds=30)
            process.terminate()
            process.wait(20)
            said = re.sub(r"\x1b\[[0-9;]*m", "", shown.result(20))
    os.close(ours)

    assert said.count("lingpai 0.") == said.count(f"http://127.0.0.1:{port} ") == 1
    assert "mowork" in said
    assert "started" not in said
    assert "master_key_file" not in said


def all_of(terminal):
    """Return all that is shown on *terminal* until nobody holds it any more."""
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            return shown.decode()


def test_a_closed_terminal_ends_the_server(demo, tmp_path):
    port = free_port()
    pid, terminal = pty.fork()
    if pid == 0:
        command = [*LINGPAI, "serve", "--data", str(demo.data), "--port", str(port)]
        os.execve(LINGPAI[0], command, environment())
    assert becomes(lambda: is_listening(port), seconds=30)
    os.close(terminal)
    assert becomes(lambda: not is_listening(port))
    os.waitpid(pid, 0)


def becomes(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


def certificate(folder, prefix=""):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lingpai test")])
    now = datetime.now(UTC)
    this_machine = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            this_machine,
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{prefix}cert.pem", folder / f"{prefix}key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file
