"""
Everything that front ends, proxies, services, machines and browsers ask of a server, and what comes back.

Right and wrong, whole and broken; whatever is sent that is secret, or handed out, is known afterwards.
"""

import base64
import http.client
import json
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from urllib.parse import quote, urlencode, urlsplit

from lingpai.app import BRIDGES
from lingpai.bridges.guards import Guards
from lingpai.composition import House
from lingpai.edge.asgi import LARGEST_BODY
from lingpai.edge.checks.api_token import api_token
from lingpai.edge.contract import Route
from lingpai.edge.explorer import OWN_PATHS
from lingpai.operations.end_session import EndSession
from tests.attacks.hunting import Known

NONE: Mapping[str, str] = {}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BUSINESS = {"title": "a", "content": "b"}

SERVICE = "shop"
"""What stands behind the proxies and guards."""

HANDED_OUT = re.compile(
    rb"""["<](\w*token|auth_code)(?:":"|>)([^"<]{20,})|'x-lingpai-(identity)', '[^.]+\.[^.]+\.([\w-]{43})"""
)
"""How an answer hands out a secret: a member of JSON or XML, or the proof in a header."""


def made(kind: str, *, plain: bool = False) -> str:
    """Return a secret of no chance: no other text has its letters, and unless it is *plain* some want escaping."""
    return secrets.token_hex(16) if plain else f"{kind}-{secrets.token_hex(12)}-令+/&"


def forged(token: str) -> str:
    """Return the JWT *token* with another signature."""
    return token.rpartition(".")[0] + "." + secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Proved:
    """A call to a service that is not ours, with the proofs of its contract; *path* is where its contract's lie."""

    target: str
    headers: Mapping[str, str]


Proofs = Mapping[str, tuple[Proved, Proved]]
"""By contract, a call with right proofs, and one with wrong ones."""


class Tour:
    """
    Asks a server.

    Args:
        known: Every secret that was sent or handed out.
        name: Who signs in, with *password*.
        clients: By contract, id and secret of the client to call from.
        house: The same that is served: what there is to be asked.

    """

    def __init__(
        self, base_url: str, known: Known, name: str, password: str, clients: dict[str, tuple[str, str]], house: House
    ) -> None:
        self.base_url = base_url
        self.address = urlsplit(base_url)
        self.known = known
        self.name, self.password, self.clients = name, password, clients
        self.house = house
        self.answers: dict[str, bytes] = {}
        self.statuses: set[int] = set()
        self.asked: set[str] = set()
        self.visited: set[tuple[str, int]] = set()
        """What each kind of guard answered."""
        self.houses: Mapping[str, Callable[[bool], tuple[Proved, Proved] | None]] = {
            "mowork": self.mowork,
            "oppmg": self.oppmg,
            "thinkjs": self.thinkjs,
            "twokeys": self.twokeys,
            "zhiyun": self.zhiyun,
        }

    def ask(self, method: str, target: str, body: str | bytes = "", headers: Mapping[str, str] = NONE) -> bytes:
        """Return the body of the answer; keep all of it, and learn what it hands out."""
        host, port = self.address.hostname or "", self.address.port
        with closing(http.client.HTTPConnection(host, port, timeout=30)) as connection:
            connection.request(method, target, body.encode() if isinstance(body, str) else body, dict(headers))
            answer = connection.getresponse()
            said = answer.read()
        path = target.partition("?")[0]
        self.statuses.add(answer.status)
        self.asked.add(path)
        place = self.keep(f"{method} {path}", str(answer.getheaders()).encode() + said)
        if not path.endswith(tuple(OWN_PATHS)):
            # Those tell the documents' own examples.
            self.learn_from(place)
        return said

    def keep(self, asked: str, answer: bytes) -> str:
        """Keep *answer*, and return what it is called."""
        place = f"answer {len(self.answers)} to {asked}"
        self.answers[place] = answer
        return place

    def learn_from(self, place: str) -> None:
        """
        Learn what the answer *place* is the first to hand out; a token that was known already may not be told again.

        An identity may: it is the same for the same request in one second.
        """
        for member, handed_out, identity, proof in HANDED_OUT.findall(self.answers[place]):
            secret = (handed_out or proof).decode()
            if identity or secret not in self.known.secrets.values():
                self.known.learn(f"{(member or identity).decode()} of {place}", secret, place)

    def wrong(self, kind: str, *, plain: bool = False) -> str:
        """Return a password or token that is wrong, which is a secret all the same: it may be right elsewhere."""
        secret = made("Wrong", plain=plain)
        self.known.learn(f"wrong {kind} {len(self.known.secrets)}", secret)
        return secret

    def learnt(self, kind: str, secret: str) -> str:
        """Return *secret*, which was computed here and is known now."""
        self.known.learn(f"{kind} {len(self.known.secrets)}", secret)
        return secret

    def goes(self, *, faulty: bool = False) -> Proofs:
        """Ask every contract for everything, and the pages; return proofs that are good for services afterwards."""
        assert set(self.houses) == set(self.house.served), "a contract that is not toured: write its method of Tour"
        proofs = {name: proved for name, visit in self.houses.items() if (proved := visit(faulty))}
        self.pages()
        self.hooks()
        return proofs

    def routes(self, contract: str) -> Iterator[tuple[Route, dict[str, str]]]:
        """Yield every route that asks for a proof, with members that it may want; sign-outs last."""
        routes = self.house.served[contract].contract.all_routes()
        for route in sorted(
            routes, key=lambda route: isinstance(route.operation, type(EndSession)) or "out" in route.path
        ):
            if "clumsy" in route.path:
                yield route, {"text": self.wrong("text")}
            elif "password" in route.path:
                for old in (self.wrong("password"), self.password):
                    yield route, {"old_password": old, "new_password": self.wrong("password")[:7]}
            elif route.path.endswith(("login", "create", "register", "refresh_token", "delete", "logout")):
                continue
            else:
                yield route, {**BUSINESS, "company_id": "1"}

    # Each house: right and wrong sign-ins, calls of every kind, an ending; then a sign-in for the services.

    def mowork(self, faulty: bool) -> tuple[Proved, Proved] | None:
        common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1.0", "req_timestamp": ""}

        def sign_in(password: str) -> dict:
            asked = {**common, "requestParam": {"username": self.name, "password": password}}
            return json.loads(self.ask("POST", "/mowork/user/login", json.dumps(asked, ensure_ascii=False)))

        def proved(token: str) -> Proved:
            query = urlencode({**members, "user_token": token})
            return Proved(f"/order/list?{query}", {"X-Token": token, "X-Username": self.name})

        sign_in(self.wrong("password"))
        told = sign_in(self.password)
        self.ask("POST", f"/mowork/user/login?password={quote(self.wrong('password'))}", "{")
        self.ask("POST", "/mowork/user/login", '{"requestParam":{"password":"' + self.wrong("password"))
        register = {"username": f"new-{secrets.token_hex(4)}", "password": self.wrong("password")}
        for invitation in (self.wrong("invitation"), self.known.secrets["the invitation"]):
            asked = {**common, "requestParam": {**register, "invitation": invitation}}
            self.ask("POST", "/mowork/user/register", json.dumps(asked))
        token = self.wrong("token", plain=True) if faulty else told["responseParam"]["token"]
        head = {"X-Token": token, "X-Username": self.name}
        members = {**common, "req_timestamp": told.get("resTimestamp", ""), "user_token": token}
        self.ask("GET", f"/mowork/user/getinfo?{urlencode(members)}", headers=head)
        for kind in (False, True):
            shown = {**members, "user_token": self.wrong("token", plain=kind)}
            self.ask("GET", f"/mowork/user/getinfo?{urlencode(shown)}")
        self.ask("POST", f"/mowork/user/{quote(token)}", json.dumps(members), head)
        for route, arguments in self.routes("mowork"):
            self.ask("POST", f"/mowork{route.path}", json.dumps({**members, "requestParam": arguments}), head)
        for path in ("user/logout", "user/checktoken"):
            self.ask("POST", f"/mowork/{path}", json.dumps({**members, "requestParam": {}}), head)
        if faulty:
            return None
        told = sign_in(self.password)
        members["req_timestamp"] = told["resTimestamp"]
        return proved(told["responseParam"]["token"]), proved(self.wrong("token", plain=True))

    def oppmg(self, faulty: bool) -> tuple[Proved, Proved] | None:
        def sign_in(password: str) -> dict:
            return json.loads(
                self.ask("POST", "/oppmg/auth/login", json.dumps({"account": self.name, "password": password}))
            )

        def head(pair: Mapping[str, str]) -> dict[str, str]:
            return {f"x-mmm-{kind}token": pair[f"{kind}_token"] for kind in ("access", "refresh")}

        sign_in(self.wrong("password"))
        told = sign_in(self.password)
        if faulty:
            return None
        for again in range(3):
            pair = told["data"]
            shown = head(pair)
            self.ask("GET", "/oppmg/v1/user/info", headers=shown)
            access = pair["access_token"]
            self.ask("GET", f"/oppmg/v1/user/info?token={access}", headers={"x-mmm-accesstoken": pair["refresh_token"]})
            self.ask("GET", "/oppmg/v1/user/info", headers={"x-mmm-accesstoken": self.forged(access)})
            if again == 0:
                told = json.loads(self.ask("GET", "/oppmg/v1/auth/refresh_token", headers=shown))
            elif again == 1:
                time.sleep(2.1)  # past the access token's end: the answer is a new pair, in an error
                told = json.loads(self.ask("GET", "/oppmg/v1/user/info", headers=shown))
                assert told["code"] == "10026", told
        for route, members in self.routes("oppmg"):
            method = "GET" if "GET" in route.methods else "POST"
            said = json.loads(self.ask(method, f"/oppmg{route.path}", json.dumps(members), shown))
            if said["code"] == "10026":
                pair = said["data"]
                shown = head(pair)
                self.ask(method, f"/oppmg{route.path}", json.dumps(members), shown)
        self.ask("POST", "/oppmg/v1/auth/logout", "{}", shown)
        self.ask("GET", "/oppmg/v1/auth/refresh_token", headers=shown)
        pair = sign_in(self.password)["data"]
        wrong = {name: self.forged(pair[name]) for name in ("access_token", "refresh_token")}
        return Proved("/v1/order/list", head(pair)), Proved("/v1/order/list", head(wrong))

    def thinkjs(self, faulty: bool) -> tuple[Proved, Proved] | None:
        def sign_in(password: str) -> dict:
            body = json.dumps({"username": self.name, "password": password}, ensure_ascii=False)
            return json.loads(self.ask("POST", "/thinkjs/api/system/token/create", body))

        sign_in(self.wrong("password"))
        told = sign_in(self.password)
        if faulty:
            return None
        head = {"Authorization": told["data"]["token"]}
        self.ask("GET", f"/thinkjs/api/notice/list?Authorization={head['Authorization']}", headers=head)
        self.ask("GET", "/thinkjs/api/system/user/info", headers={"Authorization": self.forged(head["Authorization"])})
        for route, members in self.routes("thinkjs"):
            method = "GET" if "GET" in route.methods else "POST"
            body = urlencode(members) if method == "GET" else json.dumps(members)
            self.ask(method, f"/thinkjs{route.path}", body, head)
        new = self.learnt("new password", made("New"))
        for old, chosen in ((self.password, new), (new, self.password)):
            change = {"old_password": old, "new_password": chosen}
            said = self.ask("POST", "/thinkjs/api/system/user/password", json.dumps(change), head)
            assert json.loads(said)["errno"] == 0, said
        self.ask("POST", "/thinkjs/api/system/token/delete", "{}", head)
        self.ask("GET", "/thinkjs/api/system/user/info", headers=head)
        token = sign_in(self.password)["data"]["token"]
        target = "/api/order/list"
        return Proved(target, {"Authorization": token}), Proved(target, {"Authorization": self.forged(token)})

    def twokeys(self, faulty: bool) -> tuple[Proved, Proved] | None:
        client_id, client_secret = self.clients["twokeys"]
        day = (datetime.now(UTC) + timedelta(hours=8)).strftime("%Y-%m-%d")

        def proof(path: str, secret: str) -> dict[str, str]:
            first = self.learnt("api_token", api_token(*path.split("/"), day, secret))
            return {"client_id": client_id, "api_token": first}

        def call(path: str, members: Mapping[str, str], secret: str = client_secret) -> bytes:
            return self.ask("POST", f"/twokeys/{path}?{urlencode(proof(path, secret))}", urlencode(members), FORM)

        def proved(user: Mapping[str, str], secret: str) -> Proved:
            return Proved(f"/api/order/list?{urlencode({**proof('api/order/list', secret), **user})}", {})

        named = {"username": self.name, "password": self.password}
        call("api/login/login", {**named, "password": self.wrong("password")})
        call("api/login/login", named, self.wrong("secret"))
        told = json.loads(call("api/login/login", named))
        if faulty:
            return None
        user = {"user_id": str(told["data"]["user_id"]), "user_token": told["data"]["user_token"]}
        call("api/user/info", {**user, "user_token": self.wrong("token")})
        in_query = urlencode({**proof("api/user/info", client_secret), **user})
        self.ask("GET", f"/twokeys/api/user/info?{in_query}")
        for route, members in self.routes("twokeys"):
            call(route.path[1:], {**user, **members})
        call("api/login/logout", user)
        call("api/user/info", user)
        told = json.loads(call("api/login/login", named))
        user["user_token"] = told["data"]["user_token"]
        wrong = {**user, "user_token": self.wrong("token", plain=True)}
        return proved(user, client_secret), proved(wrong, self.wrong("secret"))

    def zhiyun(self, faulty: bool) -> tuple[Proved, Proved] | None:
        client_id, client_secret = self.clients["zhiyun"]

        def head(secret: str) -> dict[str, str]:
            return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}

        def moment() -> dict[str, str]:
            t = int(time.time() * 1000)
            return {"t_": str(t), "p_": str(t % 10000 * 3 + 2345)}

        def sign_in(password: str, secret: str = client_secret) -> dict:
            body = urlencode({"username": self.name, "password": password})
            target = f"/zhiyun/apis/rest/authService/login/json?{urlencode(moment())}"
            return json.loads(self.ask("POST", target, body, {**head(secret), **FORM}))

        def call(path: str, members: Mapping[str, str]) -> bytes:
            query = urlencode(moment() | dict(members))
            return self.ask("GET", f"/zhiyun{path}?{query}", "", head(client_secret))

        def proved(token: str, code: str, secret: str) -> Proved:
            members = {"access_token": token, "auth_code": code, "client_id": client_id, **moment()}
            return Proved(f"/apis/rest/orderService/list/json?{urlencode(members)}", head(secret))

        sign_in(self.wrong("password"))
        sign_in(self.password, self.wrong("secret"))
        told = sign_in(self.password)
        if faulty:
            return None
        token = told["data"]["access_token"]
        call("/apis/rest/authService/authorize/xml", {"access_token": token})
        said = call("/apis/rest/authService/authorize/json", {"access_token": token})
        code = json.loads(said)["data"]["auth_code"]
        for route, members in self.routes("zhiyun"):
            for kind, shown, second in (
                ("json", token, code),
                ("xml", token, self.wrong("code")),
                ("xml", self.wrong("token"), code),
            ):
                if "authorize" not in route.path or shown != token:
                    path = route.path.format(format=kind)
                    call(path, {"access_token": shown, "auth_code": second, **members})
        call("/apis/rest/authService/logout/json", {"access_token": token})
        call("/apis/rest/userService/getUserInfo/json", {"access_token": token, "auth_code": code})
        token = sign_in(self.password)["data"]["access_token"]
        said = call("/apis/rest/authService/authorize/json", {"access_token": token})
        code = json.loads(said)["data"]["auth_code"]
        wrong = self.wrong("token", plain=True), self.wrong("code", plain=True), self.wrong("secret")
        return proved(token, code, client_secret), proved(*wrong)

    def forged(self, token: str) -> str:
        return self.learnt("forged token", forged(token))

    # Whatever is no contract's call.

    def pages(self) -> None:
        """Ask for every page of our own, with a secret where none belongs."""
        own = ("/", "/healthz", "/readyz", "/metrics", "/nowhere", "/playground", "/openapi.json")
        for page in (*own, *(f"/{name}{path}" for name, path in product(self.houses, sorted(OWN_PATHS)))):
            for language in ("zh", "en"):
                head = {"Accept-Language": language, "X-Token": self.wrong("token", plain=True)}
                self.ask("GET", f"{page}?token={quote(self.password)}", headers=head)

    def hooks(self) -> None:
        """Ring every hook, with secrets in body, query and headers."""
        for path in self.house.hooks:
            head = {"X-Signature": self.wrong("signature", plain=True), "Cookie": f"s={quote(self.wrong('cookie'))}"}
            for body in (self.wrong("body"), "{}"):
                self.ask("POST", f"{path}?sign={quote(self.wrong('signature'))}", body, head)
            self.ask("GET", f"{path}?sign={quote(self.wrong('signature'))}", headers=head)

    def proxies(self, proofs: Proofs, asking_token: str) -> None:
        """Ask as proxies and guards elsewhere do, in every way, about calls that are proved and that are not."""
        asker = {"X-Lingpai-Asker": asking_token}
        stranger = {"X-Lingpai-Asker": self.wrong("asking token", plain=True)}
        for contract, calls in proofs.items():
            for who, call in product((asker, stranger), calls):
                told = {"X-Original-Method": "GET", "X-Original-URI": call.target, **call.headers, **who}
                self.ask("GET", f"/forward/{contract}/{SERVICE}?only=verdict", headers=told)
                self.ask("GET", f"/forward/{contract}/{SERVICE}", headers=told)
                self.ask("GET", f"/refusal/{contract}/{SERVICE}", headers=told)
                self.ask("GET", f"/forward/{contract}/{SERVICE}{call.target}", headers={**call.headers, **who})
                path, _, query = call.target.partition("?")
                headers = [(name.lower(), value) for name, value in call.headers.items()]
                question = {"method": "GET", "path": path, "query": query, "headers": headers}
                for asked in (*Guards(self.house)._questions, self.wrong("question", plain=True)):
                    for body in (json.dumps(question), "null", "[]", self.wrong("body")):
                        self.ask("POST", f"/guard/{contract}/{SERVICE}/{asked}", body, who)
        assert {path.split("/")[1] for path in self.asked} >= BRIDGES, "a bridge that nobody asks: let Tour.proxies ask"

    def breakages(self) -> None:
        """Send what is too large, broken off, or no HTTP at all, with secrets inside."""
        large = self.wrong("password") * (LARGEST_BODY // 30)
        for path in ("/mowork/user/login", "/twokeys/api/login/login", "/hooks/clumsy/ring"):
            self.ask("POST", path, large)
            for kind in ("multipart/form-data; boundary=x", "application/json; charset=nonsense", "text/xml"):
                broken = f'--x\r\ncontent-disposition: form-data; name="password"\r\n\r\n{self.wrong("password")}'
                self.ask("POST", path, broken.encode() + b"\xff", {"Content-Type": kind})
        for raw in (
            f"POST /mowork/user/login HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{self.wrong('password')}",
            f"GET /{self.wrong('path')} HTTP/1.1\r\nHost: x\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: x\r\nX-Token {self.wrong('token')}\r\n\r\n",
            f"{self.wrong('nonsense')}\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {self.wrong('length')}\r\n\r\n",
        ):
            with socket.create_connection((self.address.hostname, self.address.port), timeout=30) as connection:
                connection.sendall(raw.encode())
                connection.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            self.keep(raw[:4], answer)

    def hears_too_many(self) -> None:
        """Register until no more is taken."""
        common = {"client_type": "pc", "client_sys_version": "1", "api_version": "v1.0", "req_timestamp": ""}
        for number in range(12):
            members = {"username": f"crowd{number}", "password": self.wrong("password")}
            self.ask("POST", "/mowork/user/register", json.dumps({**common, "requestParam": members}))
