"""The shapes that issuers give their keys and tokens: a prefix that says whose it is, and what follows it.

Gathered from the issuers' own pages; a new one is one line. A prefix ends in `_`, `-` or `.`, which is where the search
for it starts, or begins with a capital letter. In what follows, B is a letter or digit, W also `_` and `-`, H a
hexadecimal digit, U a UUID. A tail that matches one length only ends in `!`: no letter or digit may follow.
"""

from __future__ import annotations

import re
from functools import cache

# name of the rule | prefixes | what follows
ISSUERS = r"""
github-token | ghp_ gho_ ghu_ ghs_ ghr_ | B{36,}
github-pat | github_pat_ | \w{50,}
gitlab-token | glpat- gldt- glft- glsoat- glrt- glcbt- glptt- glagent- gloas- glimt- glffct- glwt- | W{20,}
stripe-key | sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_ | B{16,}
stripe-webhook | whsec_ | [A-Za-z0-9+/]{16,}=*
npm-token | npm_ | B{36}!
huggingface-token | hf_ api_org_ | B{30,}
digitalocean-token | dop_v1_ doo_v1_ dor_v1_ | [a-f0-9]{64}
shopify-token | shpat_ shpca_ shppa_ shpss_ | H{32}
anthropic-key | sk-ant- | W{20,}
openai-key | sk-proj- sk-svcacct- sk-admin- sk-None- | W{20,}
secret-key | sk- | (?=W{0,99}\d)(?:[a-z0-9]{2,12}-){0,3}(?:B{32,}|U)
slack-token | xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe.xoxp- xoxe.xoxb- | [\dM%][\w%-]{10,}
slack-app-token | xapp- | \d-W{20,}
pypi-token | pypi- | AgW{50,}
google-secret | GOCSPX- | W{28}(?!W)
google-token | ya29. | W{20,}
google-token | AQ. | AbW{20,}
groq-key | gsk_ | B{40,}
xai-key | xai- | B{40,}
perplexity-key | pplx- | B{32,}
nvidia-key | nvapi- | W{40,}
vault-token | hvs. hvb. hvr. | W{20,}
docker-token | dckr_pat_ dckr_oat_ | W{20,}
linear-key | lin_api_ lin_oauth_ lin_wh_ | B{32,}
figma-token | figd_ figo_ figu_ figor_ figoh_ | W{32,}
supabase-key | sbp_ sbp_oauth_ sbp_v0_ | H{40}
supabase-key | sb_secret_ | W{20,}
langsmith-key | lsv2_pt_ lsv2_sk_ | H{32}(?:_H{10})?
langfuse-key | sk-lf- | U
grafana-token | glsa_ | B{32}_H{8}
grafana-token | glc_ | [A-Za-z0-9+/]{32,}={0,2}
rubygems-key | rubygems_ | H{48}
postman-key | PMAK- | H{24}-H{34}
sendgrid-key | SG. | W{22}\.W{43}
mailgun-key | key- pubkey- | H{32}!
brevo-key | xkeysib- xsmtpsib- | H{64}-B{16}
resend-key | re_ | (?:B{8}_B{24}|(?=B*\d)B{32,})
newrelic-key | NRAK- NRJS- NRII- NRRA- NRAA- | W{19,}
notion-token | ntn_ | B{40,}
notion-token | secret_ | B{43}!
typeform-token | tfp_ | W{40,}
planetscale-token | pscale_tkn_ pscale_pw_ pscale_oauth_ | [\w=.-]{32,64}
sentry-token | sntrys_ sntryu_ | [A-Za-z0-9_+/=]{40,}
posthog-key | phx_ phs_ | B{32,}
replicate-token | r8_ | B{30,}
tavily-key | tvly- tvly-dev- tvly-prod- | B{20,}
firecrawl-key | fc- | H{32}!
jina-key | jina_ | W{40,}
elevenlabs-key | sk_ | H{48}!
fireworks-key | fw_ fw_user_ | B{22,24}!
cerebras-key | csk- | B{40,}
together-key | tgp_v1_ | W{32,}
cartesia-key | sk_car_ | B{20,}
voyage-key | pa- | (?=W{0,42}\d)W{43}(?!W)
pinecone-key | pcsk_ | \w{40,}
contentful-token | CFPAT- | W{43}
atlassian-token | ATATT3 ATCTT3 | [\w=-]{60,}
bitbucket-password | ATBB | B{28,}
trello-token | ATTA | H{64}
easypost-key | EZAK EZTK | B{54}
frameio-token | fio-u- | W{64}
flutterwave-key | FLWSECK- FLWSECK_TEST- | B{32}-X
fly-token | fo1_ | W{43}
fly-token | fm1a_ fm1r_ fm2_ | [A-Za-z0-9+/]{60,}={0,3}
prefect-key | pnu_ pnb_ | B{36}!
pulumi-token | pul- | H{40}!
render-key | rnd_ | B{28,}
readme-key | rdme_ | B{60,}
shippo-token | shippo_live_ shippo_test_ | H{40}
square-token | sq0atp- sq0csp- sq0idp- | W{22,}
meta-token | EAA | B{60,}
meta-token | EAAA | W{57,}
vercel-token | vcp_ vca_ vci_ vck_ vcr_ | B{24,}
wakatime-key | waka_ | U
wandb-key | wandb_v1_ | W{40,}
onepassword-token | ops_ | eyJW{100,}
onepassword-key | A3- | [A-Z0-9]{6}(?:-[A-Z0-9]{5,6}){3,5}
dynatrace-token | dt0c01. dt0s01. dt0s16. | B{24}\.B{64}
honeycomb-key | hcaik_ hcbik_ hcxik_ hcxlk_ | B{50,}
klaviyo-key | pk_ | H{34}!
plaid-token | access-sandbox- access-production- access-development- | U
heroku-key | HRKU- | W{36,}
netlify-token | nfp_ | B{36,}
azure-devops | AZDO | B{40,}
launchdarkly-key | sdk- api- mob- | U
sourcegraph-token | sgp_ slk_ sgd_ | [A-Za-z0-9_]{40,}
sourcegraph-token | sgp_local_ | H{40}
segment-token | sgp_ | B{64}
hubspot-token | pat-na1- pat-na2- pat-eu1- pat-ap1- | U
clojars-token | CLOJARS_ | B{60}
artifactory-key | AKCp AKC | B{60,}
buildkite-token | bkua_ bkpt_ bkct_ | B{40}
circleci-token | CCIPAT_ CCIPRJ_ | [A-Za-z0-9_]{40,}
sonar-token | sqp_ squ_ sqa_ | H{40}!
terraform-token | atlasv1. | W{60,}
doppler-token | dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. dp.st.dev. dp.st.stg. dp.st.prd. | B{40,44}!
duffel-token | duffel_test_ duffel_live_ | [\w=-]{43}
lob-key | live_ test_ | H{35}!
mapbox-token | sk. | eyJW{20,}\.W{20,}
razorpay-key | rzp_live_ rzp_test_ | B{14}!
scalingo-token | tk-us- tk-fr1- | W{48}
yandex-token | y0_ y1_ y3_ | W{50,}
yandex-token | AQVN | W{35,38}!
yandex-token | t1. | [\w=-]{80,}(?:\.[\w=-]{60,})?
tencent-key | AKID | B{32}!
dropbox-token | sl. sl.u. | W{60,}
browserbase-key | bb_live_ bb_test_ | W{20,}
e2b-key | e2b_ | H{40}!
modal-token | ak- as- | (?=B{0,20}\d)B{22}!
apify-token | apify_api_ apify_proxy_ | B{30,}
neon-key | napi_ | B{40,}
zuplo-key | zpka_ | \w{40,}
unkey-key | unkey_ | B{20,}
expo-token | expo_ | W{40}
adobe-secret | p8e- p8- | W{32}!
settlemint-token | sm_aat_ sm_pat_ sm_sat_ | B{16,}
cloudflare-token | cfut_ cfat_ cfk_ | W{40,}
cloudflare-key | v1.0- | H{24}-H{146}
infracost-key | ico- | B{32}!
deno-token | ddp_ ddo_ ddw_ | B{36}!
snyk-token | snyk_uat. | W{8,}\.W{40,}
stytch-key | secret-test- secret-live- | [\w=-]{36,}
knock-key | sk_test_ sk_live_ | W{30,}
tailscale-key | tskey-auth- tskey-api- tskey-client- tskey-scim- tskey-webhook- | W{20,}
ngrok-key | ngrok_ | B{30,}
aws-key | AKIA ASIA ABIA ACCA | [A-Z0-9]{16}!
aws-bedrock-key | ABSK | [A-Za-z0-9+/]{100,}={0,2}
aws-bedrock-key | bedrock-api-key- | [\w+/=-]{60,}
google-key | AIza | W{35}(?!W)
twilio-key | SK | [0-9a-f]{32}!
age-key | AGE-SECRET-KEY- | 1[A-Z0-9]{58}
"""

_CLASSES = {"B": "[A-Za-z0-9]", "W": r"[A-Za-z0-9_-]", "H": "[0-9a-fA-F]"}
_UUID = r"H{8}-H{4}-H{4}-H{4}-H{12}"


@cache
def tail(written: str) -> re.Pattern[str]:
    """Return the pattern of what follows a prefix, from how it is written above."""
    pattern = re.sub(r"(?<![\\\w])U\b", _UUID, written)
    pattern = re.sub(r"([BWH])(?=[{*])|(?<=\(\?!)W", lambda letter: _CLASSES[letter[0]], pattern)
    pattern = re.sub(r",\}(?!\Z)", ",512}", pattern)  # what may fail behind a long word ends soon: linear time
    if pattern.endswith("!"):
        pattern = pattern[:-1] + "(?![A-Za-z0-9])"
    return re.compile(pattern, re.ASCII)


def _by_ending() -> tuple[dict[str, list[tuple[str, str, str]]], dict[str, list[tuple[str, str, str]]]]:
    """Return last three signs → (prefix, rule, tail), longest prefix first; and the same by the first three signs."""
    ending: dict[str, list[tuple[str, str, str]]] = {}
    opening: dict[str, list[tuple[str, str, str]]] = {}
    for row in ISSUERS.strip().split("\n"):
        rule, prefixes, written = (part.strip() for part in row.split(" | "))
        for prefix in prefixes.split():
            table, key = (ending, prefix[-3:]) if prefix[-1] in "_-." else (opening, prefix[:3])
            if len(prefix) < 3:  # of two signs and no third that is its own
                key = prefix
            table.setdefault(key, []).append((prefix, rule, written))
    for table in (ending, opening):
        for rows in table.values():
            rows.sort(key=lambda row: -len(row[0]))
    return ending, opening


BY_ENDING, BY_OPENING = _by_ending()
