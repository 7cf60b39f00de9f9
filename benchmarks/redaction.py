"""How many known shapes of secrets are replaced, in every kind of field, and how many ordinary lines are changed.

    python benchmarks/redaction.py [--ordinary FOLDER ...] [--misses]

The shapes are made up here, from digits and letters by a fixed seed; nothing in this file opens anything. `--ordinary`
names folders whose text files are taken for ordinary lines (this repository's code, docs and samples if left out).
"""

from __future__ import annotations

import argparse
import json
import random
import time
from base64 import b64encode
from pathlib import Path

from deltamem_cli.records import Message
from deltamem_cli.text.redact import Redactor
from deltamem_cli.text.secret_shapes import ISSUERS

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Made:
    """Words of a seed."""

    def __init__(self, seed: int = 20) -> None:
        self.random = random.Random(seed)

    def word(self, length: int, signs: str = ALNUM) -> str:
        """Return that many signs, the second of them a digit."""
        signs_made = [self.random.choice(signs) for _ in range(length)]
        signs_made[1] = self.random.choice("123456789")
        return "".join(signs_made)

    def hexa(self, length: int) -> str:
        """Return hexadecimal digits."""
        return self.word(length, "0123456789abcdef")

    def uuid(self) -> str:
        """Return five groups of hexadecimal digits."""
        return "-".join(map(self.hexa, (8, 4, 4, 4, 12)))


def tokens(made: Made) -> dict[str, str]:
    """Return name → a token that stands for itself."""
    w, h, u = made.word, made.hexa, made.uuid
    upper = ALNUM[:26] + "234567"
    return {
        "github-classic": "gh" + "p_" + w(36),
        "github-oauth": "gh" + "o_" + w(36),
        "github-server": "gh" + "s_" + w(36),
        "github-refresh": "gh" + "r_" + w(36),
        "github-fine": "github" + "_pat_" + w(22) + "_" + w(59),
        "gitlab": "gl" + "pat-" + w(20),
        "gitlab-runner": "gl" + "rt-" + w(20),
        "gitlab-deploy": "gl" + "dt-" + w(20),
        "gitlab-ci": "gl" + "cbt-64_" + w(20),
        "aws-id": "AK" + "IA" + w(16, upper),
        "aws-session-id": "AS" + "IA" + w(16, upper),
        "aws-bedrock": "AB" + "SK" + w(128),
        "google": "AI" + "za" + w(35),
        "google-oauth": "ya" + "29." + w(60),
        "google-client": "GOC" + "SPX-" + w(28),
        "google-aq": "AQ" + ".Ab" + w(48),
        "openai-project": "sk" + "-proj-" + w(74) + "T3Blbk" + "FJ" + w(74),
        "openai-legacy": "sk" + "-" + w(48),
        "openai-service": "sk" + "-svcacct-" + w(60),
        "anthropic": "sk" + "-ant-api03-" + w(93) + "AA",
        "anthropic-admin": "sk" + "-ant-admin01-" + w(93) + "AA",
        "openrouter": "sk" + "-or-v1-" + h(64),
        "deepseek": "sk" + "-" + h(32),
        "groq": "gs" + "k_" + w(52),
        "xai": "xa" + "i-" + w(80),
        "perplexity": "ppl" + "x-" + w(48),
        "nvidia": "nva" + "pi-" + w(64),
        "huggingface": "hf" + "_" + w(34),
        "replicate": "r8" + "_" + w(37),
        "tavily": "tv" + "ly-dev-" + w(32),
        "firecrawl": "fc" + "-" + h(32),
        "jina": "jin" + "a_" + w(60),
        "fireworks": "fw" + "_" + w(24),
        "cerebras": "cs" + "k-" + w(48),
        "together": "tg" + "p_v1_" + w(43),
        "elevenlabs": "sk" + "_" + h(48),
        "pinecone": "pc" + "sk_" + w(5) + "_" + w(63),
        "langsmith": "ls" + "v2_pt_" + h(32) + "_" + h(10),
        "langfuse": "sk" + "-lf-" + u(),
        "voyage": "pa" + "-" + w(43),
        "wandb": "wan" + "db_v1_" + w(64),
        "stripe-live": "sk" + "_live_" + w(24),
        "stripe-test": "sk" + "_test_" + w(99),
        "stripe-restricted": "rk" + "_live_" + w(24),
        "stripe-webhook": "wh" + "sec_" + w(32),
        "square": "sq" + "0atp-" + w(22),
        "square-secret": "sq" + "0csp-" + w(43),
        "shopify": "shp" + "at_" + h(32),
        "shopify-shared": "shp" + "ss_" + h(32),
        "paypal": "access_" + "token$production$" + w(16, ALNUM[26:]) + "$" + h(32),
        "plaid": "access" + "-production-" + u(),
        "slack-bot": "xox" + "b-" + w(12, "0123456789") + "-" + w(12, "0123456789") + "-" + w(24),
        "slack-user": "xox" + "p-" + "-".join(w(12, "0123456789") for _ in range(3)) + "-" + h(32),
        "slack-app": "xap" + "p-1-A" + w(10, upper) + "-" + w(13, "0123456789") + "-" + h(64),
        "slack-refresh": "xox" + "e-1-" + w(146),
        "slack-webhook": "https://hooks.slack" + ".com/services/T" + w(9, upper) + "/B" + w(9, upper) + "/" + w(24),
        "discord-webhook": "https://discord" + ".com/api/webhooks/" + w(18, "123456789") + "/" + w(68),
        "teams-webhook": "https://acme.webhook"
        + ".office.com/webhookb2/"
        + u()
        + "@"
        + u()
        + "/IncomingWebhook/"
        + h(32),
        "discord-bot": "MTA4" * 6 + "." + w(6) + "." + w(38),
        "telegram": w(10, "123456789") + ":AA" + w(33),
        "twitch": "oau" + "th:" + w(30, ALNUM[26:]),
        "sendgrid": "SG" + "." + w(22) + "." + w(43),
        "mailgun": "ke" + "y-" + h(32),
        "mailchimp": h(32) + "-us" + "14",
        "brevo": "xkey" + "sib-" + h(64) + "-" + w(16),
        "resend": "re" + "_" + w(8) + "_" + w(24),
        "twilio": "S" + "K" + h(32),
        "npm": "np" + "m_" + w(36),
        "pypi": "py" + "pi-AgEIcHlwaS5vcmc" + w(80),
        "rubygems": "ruby" + "gems_" + h(48),
        "clojars": "CLO" + "JARS_" + h(60),
        "docker": "dckr" + "_pat_" + w(27),
        "digitalocean": "do" + "p_v1_" + h(64),
        "heroku": "HRK" + "U-AA" + w(58),
        "netlify": "nf" + "p_" + w(36),
        "vercel": "vc" + "p_" + w(56),
        "fly": "fm" + "2_" + w(120),
        "render": "rn" + "d_" + w(32),
        "cloudflare-ca": "v1" + ".0-" + h(24) + "-" + h(146),
        "databricks": "dap" + "i" + h(32),
        "vault": "hv" + "s." + w(90),
        "terraform": w(14) + ".atlas" + "v1." + w(67),
        "doppler": "dp" + ".pt." + w(43),
        "pulumi": "pu" + "l-" + h(40),
        "prefect": "pn" + "u_" + w(36),
        "planetscale": "pscale" + "_tkn_" + w(43),
        "neon": "nap" + "i_" + w(64),
        "supabase": "sb" + "p_" + h(40),
        "supabase-secret": "sb" + "_secret_" + w(22) + "_" + w(8),
        "onepassword": "A3" + "-" + "-".join(w(n, upper) for n in (6, 6, 5, 5, 5, 5)),
        "dynatrace": "dt0" + "c01." + w(24, upper) + "." + w(64, upper),
        "grafana": "gl" + "sa_" + w(32) + "_" + h(8),
        "grafana-cloud": "gl" + "c_" + w(120),
        "newrelic": "NR" + "AK-" + w(27, upper),
        "sentry": "sntr" + "ys_" + w(120),
        "posthog": "ph" + "x_" + w(43),
        "honeycomb": "hca" + "ik_01" + w(56),
        "sonar": "sq" + "p_" + h(40),
        "buildkite": "bk" + "ua_" + h(40),
        "circleci": "CCI" + "PAT_" + w(22) + "_" + h(40),
        "sourcegraph": "sg" + "p_" + h(16) + "_" + h(40),
        "linear": "lin" + "_api_" + w(40),
        "notion": "nt" + "n_" + w(46),
        "notion-old": "secre" + "t_" + w(43),
        "figma": "fig" + "d_" + w(40),
        "airtable": "pa" + "t" + w(14) + "." + h(64),
        "atlassian": "ATA" + "TT3" + w(180),
        "bitbucket": "AT" + "BB" + w(32),
        "trello": "AT" + "TA" + h(64),
        "asana": "1/" + w(16, "123456789") + ":" + h(32),
        "postman": "PM" + "AK-" + h(24) + "-" + h(34),
        "readme": "rd" + "me_" + w(70),
        "typeform": "tf" + "p_" + w(59),
        "hubspot": "pa" + "t-na1-" + u(),
        "klaviyo": "p" + "k_" + h(34),
        "contentful": "CF" + "PAT-" + w(43),
        "mapbox": "s" + "k.ey" + "J" + w(80) + "." + w(22),
        "launchdarkly": "sd" + "k-" + u(),
        "easypost": "EZ" + "AK" + w(54),
        "shippo": "shippo" + "_live_" + h(40),
        "lob": "liv" + "e_" + h(35),
        "duffel": "duffel" + "_live_" + w(43),
        "frameio": "fi" + "o-u-" + w(64),
        "flutterwave": "FLW" + "SECK-" + w(32) + "-X",
        "meta": "EA" + "AB" + w(120),
        "dropbox": "s" + "l." + w(130),
        "yandex": "y" + "0_" + w(56),
        "wakatime": "wak" + "a_" + u(),
        "tailscale": "ts" + "key-auth-" + w(16) + "-" + w(32),
        "artifactory": "AK" + "Cp" + w(69),
        "apify": "api" + "fy_api_" + w(36),
        "e2b": "e2" + "b_" + h(40),
        "azure-entra": w(3) + "8Q" + "~" + w(34),
        "adobe": "p8" + "e-" + w(32),
        "jwt": "ey" + "J" + w(33) + ".ey" + "J" + w(80) + "." + w(43),
        "age": "AGE-SECRET" + "-KEY-1" + w(58, upper),
        "bcrypt": "$2b$12$" + w(53),
    }


def assignments(made: Made) -> dict[str, tuple[str, str]]:
    """Return name → (text with {} where the secret stands, the secret)."""
    w = made.word
    password = "k3ttle" + w(6)
    basic = b64encode(f"ann:{password}".encode()).decode()
    return {
        "env": ("DB_PASSWORD={}", password),
        "env-short": ("export PGPASSWORD={}", "hunter2"),
        "env-quoted": ('MYSQL_ROOT_PASSWORD="{}"', "correcthorse"),
        "env-key": ("MAPS_API_KEY={}", w(32)),
        "env-secret": ("SESSION_SECRET={}", "keyboardcat99"),
        "aws-secret": ("aws_secret_access_key = {}", w(40)),
        "aws-json": ('{{"SecretAccessKey": "{}"}}', w(40)),
        "json": ('{{"user": "ann", "password": "{}"}}', password),
        "json-key": ('{{"apiKey": "{}"}}', w(32)),
        "yaml": ("db:\n  user: ann\n  password: {}\n", password),
        "python": ('conn = connect(user="ann", password="{}")', password),
        "js": ("const config = {{ clientSecret: '{}' }}", w(32)),
        "environ": ('os.environ["API_TOKEN"] = "{}"', w(24)),
        "ruby": ("'password' => '{}'", password),
        "php": ("define( 'DB_PASSWORD', '{}' );", password),
        "xml": ("<password>{}</password>", password),
        "ini": ("[client]\npassword = {}", password),
        "properties": ("spring.datasource.password={}", password),
        "netrc": ("machine example.org login ann password {}", password),
        "npmrc": ("//registry.example.org/:_authToken={}", made.uuid()),
        "npmrc-auth": ("_auth={}", basic),
        "kubeconfig": ("    client-key-data: {}", b64encode(w(90).encode()).decode()),
        "kube-token": ("    token: {}", w(60)),
        "docker-auth": ('{{"auths": {{"registry.example.org": {{"auth": "{}"}}}}}}', basic),
        "cookie": ("Cookie: sessionid={}", w(32)),
        "set-cookie": ("Set-Cookie: sid={}; Path=/; HttpOnly", w(32)),
        "bearer": ("curl -H 'Authorization: Bearer {}' https://api.example.org", w(40)),
        "basic": ("Authorization: Basic {}", basic),
        "x-api-key": ("X-Api-Key: {}", w(32)),
        "x-auth-token": ('-H "X-Auth-Token: {}"', w(32)),
        "url": ("postgres://ann:{}@db.example.org:5432/x", password),
        "redis": ("redis://:{}@cache.example.org:6379", password),
        "mongo": ("mongodb+srv://ann:{}@cluster0.example.net/x", password),
        "url-token": ("https://{}@github.com/ann/repo.git", w(40)),
        "query": ("GET /v1/items?api_key={}&page=2", w(32)),
        "ado": ("Server=db;User Id=ann;Password={};Encrypt=True", password),
        "azure-storage": ("DefaultEndpointsProtocol=https;AccountKey={}", w(86) + "=="),
        "curl-u": ("curl -u ann:{} https://example.org", password),
        "curl-user": ("curl --user 'ann:{}' https://example.org", password),
        "flag": ("tool login --password {}", password),
        "mysql-p": ("mysql -u root -p{} shop", password),
        "sshpass": ("sshpass -p {} ssh ann@example.org", password),
        "pgpass": ("db.example.org:5432:shop:ann:{}", password),
        "wireguard": ("PrivateKey = {}", w(43) + "="),
        "private-key": (
            "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
            "\n".join(w(64) for _ in range(6)),
        ),
        "numbered-key": (
            "     1→-----BEGIN PRIVATE KEY-----\n     2→{}\n     4→-----END PRIVATE KEY-----",
            w(64) + "\n     3→" + w(64),
        ),
        "cut-key": ("  12\t-----BEGIN OPENSSH PRIVATE KEY-----\n  13\t{}", w(70) + "\n  14\t" + w(70)),
        "diff-key": ("+-----BEGIN EC PRIVATE KEY-----\n+{}\n+-----END EC PRIVATE KEY-----", w(64) + "\n+" + w(44)),
        "putty-key": ("Private-Lines: 2\n{}", w(64) + "\n" + w(64)),
    }


def fields(text: str) -> dict[str, str]:
    """Return kind of field → how a text stands in it."""
    once = json.dumps({"stdout": text})
    return {
        "text": f"here it is: {text}",
        "line": f"before\n{text}\nafter",
        "escaped": json.dumps(f"TOKENS\n{text}\nend"),
        "escaped twice": json.dumps({"result": once + "\\n"}),
        "coloured": json.dumps(f"\x1b[32m{text}\x1b[0m"),
        "quoted": f"`{text}`",
    }


def misses(shapes: dict[str, tuple[str, str]]) -> tuple[dict[str, int], list[str]]:
    """Return kind of field → shapes replaced in it, and what was left."""
    caught: dict[str, int] = {}
    left = []
    for name, (around, secret) in shapes.items():
        text = around.replace("{{", "{").replace("}}", "}").replace("{}", secret)
        for kind, field in fields(text).items():
            clean = Redactor().text(field)
            whole = all(part not in clean for part in secret.split("\n"))
            caught[kind] = caught.get(kind, 0) + whole
            left += [] if whole else [f"{name} in {kind}: {field[:100]!r}"]
        for kind in ("title", "speaker", "project"):
            message = Redactor().message(Message(**({"text": "x", "role": "user", "line": 1} | {kind: text})))  # type: ignore[arg-type]
            whole = all(part not in getattr(message, kind) for part in secret.split("\n"))
            caught[kind] = caught.get(kind, 0) + whole
            left += [] if whole else [f"{name} as {kind}"]
    return caught, left


PLACEHOLDERS = [
    "postgres://postgres:postgres@localhost:5432/app",
    "redis://:password@localhost",
    "mysql://root:root@127.0.0.1/x",
    "DB_PASSWORD=changeme",
    "API_KEY=your-api-key-here",
    'password: "<your password>"',
    '"apiKey": "YOUR_API_KEY"',
    "SECRET_KEY=${SECRET_KEY}",
    "password = os.environ['DB_PASSWORD']",
    "token = get_token(user1, 2)",
    "password: str = field(default=None)",
    "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
    "Authorization: Bearer <token>",
    'curl -u "$USER:$PASSWORD" https://example.org',
    "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    '<input type="password" name="password" placeholder="Password">',
]


def ordinary(folders: list[Path]) -> list[str]:
    """Return lines of the text files below these folders, each once, without the ones of this script and its test."""
    lines: dict[str, None] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".md", ".toml", ".jsonl", ".json", ".txt"} and "redact" not in path.name:
                lines |= dict.fromkeys(path.read_text("utf-8", "replace").splitlines())
    return [line for line in lines if line.strip()]


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ordinary", nargs="*", type=Path)
    parser.add_argument("--misses", action="store_true", help="print what was left")
    arguments = parser.parse_args()
    made = Made()
    shapes = {name: ("{}", token) for name, token in tokens(made).items()} | assignments(made)
    caught, left = misses(shapes)
    root = Path(__file__).parent.parent
    lines = ordinary(arguments.ordinary or [root / name for name in ("deltamem_cli", "docs", "samples", "tests")])
    started = time.process_time()
    changed = [line for line in lines if Redactor().text(line) != line]
    seconds = time.process_time() - started
    print(f"{len(shapes)} shapes; the rules know {len(ISSUERS.strip().splitlines())} kinds of token by their prefix\n")
    print("| field | replaced |\n|---|---:|")
    for kind, number in caught.items():
        print(f"| {kind} | {number} of {len(shapes)} ({number / len(shapes):.1%}) |")
    kept = sum(Redactor().text(text) == text for text in PLACEHOLDERS)
    print(f"| placeholders left alone | {kept} of {len(PLACEHOLDERS)} |")
    print(f"| ordinary lines changed | {len(changed)} of {len(lines):,} |")
    size = sum(map(len, lines))
    print(f"\n{size / seconds / 1e6:.0f} MB/s line by line")
    if arguments.misses:
        print(*left, *changed, *(text for text in PLACEHOLDERS if Redactor().text(text) != text), sep="\n")


if __name__ == "__main__":
    main()
