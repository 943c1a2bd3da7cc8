"""A first call for each contract of the demo, to be pasted into a terminal: signs a user in, and works at once."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """What a first call is written with; the client is the first one of the contract, if it has any."""

    base_url: str
    username: str
    password: str
    client_id: str = ""
    client_secret: str = ""


def _mowork(known: Known) -> str:
    return f"""\
curl -sw '\\n' {known.base_url}/mowork/user/login \\
  -H 'Content-Type: application/json' \\
  -d '{{"client_type":"pc","client_sys_version":"curl","api_version":"v1.0",
       "req_timestamp":"","requestParam":{{
       "username":"{known.username}","password":"{known.password}"}}}}'"""


def _oppmg(known: Known) -> str:
    return f"""\
curl -sw '\\n' {known.base_url}/oppmg/auth/login \\
  -H 'Content-Type: application/json' \\
  -d '{{"account":"{known.username}","password":"{known.password}"}}'"""


def _twokeys(known: Known) -> str:
    # CST-8 is Shanghai's time in a word that needs no time zone database.
    return f"""\
id={known.client_id}; secret={known.client_secret}
day=$(TZ=CST-8 date +%F)
t=$(printf %s "apiloginlogin$day$secret" | openssl md5 -r | cut -c1-32)
curl -sw '\\n' -d username={known.username} -d password={known.password} \\
  "{known.base_url}/twokeys/api/login/login?client_id=$id&api_token=$t\""""


def _zhiyun(known: Known) -> str:
    return f"""\
t=$(date +%s)000; p=$((t % 10000 * 3 + 2345))
curl -sw '\\n' -u {known.client_id}:{known.client_secret} \\
  -d username={known.username} -d password={known.password} \\
  "{known.base_url}/zhiyun/apis/rest/authService/login/json?t_=$t&p_=$p\""""


def _thinkjs(known: Known) -> str:
    return f"""\
curl -sw '\\n' {known.base_url}/thinkjs/api/system/token/create \\
  -H 'Content-Type: application/json' \\
  -d '{{"username":"{known.username}","password":"{known.password}"}}'"""


FIRST_CALLS: dict[str, Callable[[Known], str]] = {
    "mowork": _mowork,
    "oppmg": _oppmg,
    "twokeys": _twokeys,
    "zhiyun": _zhiyun,
    "thinkjs": _thinkjs,
}
"""By contract. One that has none here is served all the same."""
