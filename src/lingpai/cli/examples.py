"""One example for each command: the last lines of its help, and of its section in docs/cli.md."""

from collections.abc import Mapping

from lingpai.cli.printing import said

# fmt: off
EXAMPLES: Mapping[str, str] = {
    "serve":                 "lingpai serve --host 0.0.0.0 --port 8443 --tls-cert fullchain.pem --tls-key key.pem",
    "demo":                  "lingpai demo --data demo-data",
    "try":                   "lingpai try oppmg",
    "user add":              "lingpai user add mei --truename 李梅 --company 1 --random-password",
    "user list":             "lingpai user list --company 2 --state disabled",
    "user show":             "lingpai user show mei",
    "user change":           "lingpai user change mei --phone 13900000001 --phone-verified",
    "user reset":            "lingpai user reset mei --random-password",
    "user unblock":          "lingpai user unblock mei",
    "user disable":          "lingpai user disable mei",
    "user enable":           "lingpai user enable mei",
    "company add":           "lingpai company add 山海科技 --city 杭州市",
    "company list":          "lingpai company list --json",
    "company show":          "lingpai company show 山海科技",
    "company join":          "lingpai company join mei 山海科技 --admin",
    "company leave":         "lingpai company leave mei 山海科技",
    "client add":            "lingpai client add 业主小程序 --contract twokeys",
    "client list":           "lingpai client list --contract zhiyun",
    "client show":           "lingpai client show 业主小程序",
    "client change":         "lingpai client change 1102084294 --scope 'basic notice'",
    "client set":            "lingpai client set mowork:pc --most-sessions 1",
    "client rotate-secret":  "lingpai client rotate-secret 1102084294 --old-ends 2030-01-31",
    "client secrets":        "lingpai client secrets 1102084294",
    "client end-old-secret": "lingpai client end-old-secret 1102084294",
    "client disable":        "lingpai client disable 1102084294",
    "client enable":         "lingpai client enable 1102084294",
    "client policy":         "lingpai client policy 1102084294 query-token 2030-01-01",
    "client policies":       "lingpai client policies 1102084294",
    "client weak":           "lingpai client weak",
    "client addresses":      "lingpai client addresses 1102084294 10.0.0.0/8",
    "client routes":         "lingpai client routes 1102084294 'notice.*'",
    "session list":          "lingpai session list --contract mowork --limit 20",
    "session show":          "lingpai session show wX3kq0tq7bT1yV5cJ2m9Zw",
    "session end":           "lingpai session end --user mei",
    "token mint":            "lingpai token mint --user mei --contract zhiyun",
    "audit list":            "lingpai audit list --subject user:12 --since 7d",
    "audit show":            "lingpai audit show 42",
    "audit head":            "lingpai audit head >>/mnt/elsewhere/heads.txt",
    "audit verify":          "lingpai audit verify --head heads.txt",
    "audit export":          "lingpai audit export --format csv >audit.csv",
    "key list":              "lingpai key list",
    "key rotate":            "lingpai key rotate oppmg.pair",
    "key tidy":              "lingpai key tidy",
    "key rotate-master":     "lingpai key rotate-master",
    "contract list":         "lingpai contract list",
    "contract new":          "lingpai contract new postcard",
    "contract check":        "lingpai contract check postcard/src/postcard/postcard.py",
    "contract docs":         "lingpai contract docs oppmg --language en --output oppmg.md",
    "contract openapi":      "lingpai contract openapi zhiyun --output zhiyun.json",
    "module list":           "lingpai module list",
    "module new":            "lingpai module new parking",
    "forward key":           "lingpai forward key shop",
    "forward list":          "lingpai forward list",
    "doctor":                "lingpai doctor --url https://accounts.example.com",
    "migrate":               "lingpai migrate --check",
    "config show":           "lingpai config show --changed",
    "config check":          "lingpai config check lingpai.toml",
    "clock show":            "lingpai clock show",
    "clock trust":           "lingpai clock trust",
}
# fmt: on
"""By the command's words."""


def example_text(typed: str) -> str:
    """Return how the example of the command *typed* is shown."""
    return said("例：", "Example: ") + EXAMPLES[typed]
