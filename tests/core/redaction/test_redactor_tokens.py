"""What detect-secrets finds by pattern is replaced, too: it is the judge here, so its rules are not ours."""

import base64
import random
import re

import pytest
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.policy import Policy
from tests.support.redactors import redactor

DIGITS, HEX, MIXED = "0123456789", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF" * 3
# Put together here, so that no file holds what looks like a token of a service.
TOKENS = {
    "ArtifactoryDetector": f"AKC{MIXED[:70]}",
    "AWSKeyDetector": f"AKIA{'Q7' * 8}",
    "AzureStorageKeyDetector": f"AccountKey={MIXED[:86]}==",
    "BasicAuthDetector": f"https://agent:{MIXED[:9]}@gws.example/api",
    "DiscordBotTokenDetector": f"M{MIXED[:23]}.{MIXED[:6]}.{MIXED[:27]}",
    "GitHubTokenDetector": f"ghp_{MIXED[:36]}",
    "GitLabTokenDetector": f"glrt-{MIXED[:20]}",
    "JwtTokenDetector": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "MailchimpDetector": f"{HEX}-us7",
    "NpmDetector": f"//npm.example/:_authToken=npm_{MIXED[:36]}",
    "OpenAIDetector": f"sk-{MIXED[:20]}T3BlbkFJ{MIXED[:20]}",
    "PrivateKeyDetector": "-----BEGIN RSA PRIVATE KEY-----",
    "PypiTokenDetector": f"pypi-AgEIcHlwaS5vcmc{MIXED[:80]}",
    "SendGridDetector": f"SG.{MIXED[:22]}.{MIXED[:43]}",
    "SlackDetector": f"xoxb-{DIGITS}-{MIXED[:12]}",
    "SquareOAuthDetector": f"sq0csp-{MIXED[:43]}",
    "StripeDetector": f"sk_live_{MIXED[:24]}",
    "TelegramBotTokenDetector": f"{DIGITS}:{MIXED[:35]}",
    "TwilioKeyDetector": f"AC{HEX}",
}


def found_by(detector: str, text: str) -> list[str]:
    """What detect-secrets takes for a secret in a line."""
    with transient_settings({"plugins_used": [{"name": detector}]}):
        return [each.secret_value or "" for each in scan_line(text)]


@pytest.mark.parametrize("detector", TOKENS)
def test_what_detect_secrets_finds_is_replaced(detector: str) -> None:
    """In the text of a chat, and as a value of userData under a harmless key."""
    text = f"see {TOKENS[detector]} for that"
    (secret,) = set(found_by(detector, text)) or {""}
    assert secret
    for level in ("secrets", "all"):
        for whole in (text, f'{{"userData": {{"UserData1": "{text}"}}}}'):
            left = redactor(level).body(whole.encode()).decode()
            assert "<redacted:" in left
            assert secret not in left
            assert set(found_by(detector, left)) <= {"userinfo>"}  # our own placeholder


@pytest.mark.parametrize(
    "text",
    [
        *("0002DaAVKJ0V0095", "00446K0L8GAC3B9R8O7GK2LAES00000D", "63630bbebf4840d7a0bffd6312bc29ff"),
        *(
            "41cc5016-2d18-4a91-93ec-b43748948608",
            "http://gws.example:8080/api/v2/me/calls/01RCC3N118B1V0SL8O7GK2LAES00000R",
        ),
        *(
            "RemoveParticipantFromConference2ca8f1b7",
            "PegAGE-maildistributionforprocessing1",
            "t_mid.1375204041234:f31a66fb1",
        ),
    ],
)
def test_ids_of_gws_stay(text: str) -> None:
    """A hexadecimal key cannot be told from the id of a user, so only its name tells."""
    assert text == redactor("secrets").body(text.encode()).decode()


RULES = Policy().rules
PREFIXES = [
    "eyJ",
    "AKIA",
    "asia",
    "-----BEGIN ",
    "PRIVATE KEY-----",
    "ghp_",
    "github_pat_",
    "xoxb-",
    "GR1348941",
    "glrt-",
    "npm_",
    "pypi-",
    "SG.",
    "sk_live_",
    "sk-",
    "sq0csp-",
    "AKC",
    "-us7",
    "hooks.slack.com/services/",
    "AccountKey=",
    "Bearer ",
    "bearer%20",
    "Basic ",
    "://",
    "jsessionid=",
    "JSESSIONID:",
    "password=",
    "Password is ",
    "passwd=",
    "PWD=",
    "client_secret=",
    "secret_key=",
    "access_token=",
    "_authToken=",
    "apikey=",
    "api_key=",
    "API-KEY=",
    "AC",
    "M",
    ":",
    "@",
    ".",
    " ",
    "/",
]
PIECES = (*PREFIXES, "x", "Q7" * 8, DIGITS, HEX, MIXED, MIXED[:22], MIXED[:36], MIXED[:43])


@settings(max_examples=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join))
def test_no_secret_is_passed_over_for_want_of_a_hint(text: str) -> None:
    """The shapes that are tried on a text find what all of them would."""
    shapes = {**sensitive.SECRET_SHAPES, **sensitive.LONG_SECRET_SHAPES}.values()
    found = re.compile("|".join(f"(?:{each})" for each in shapes))
    assert found.sub("#", text) == RULES.secret_shapes_of(text).sub("#", text)


def test_random_text_is_replaced() -> None:
    """Tokens of 32 random bytes, but for the few in which chance has written something like a word."""
    chance = random.Random(20261124)
    tokens = [base64.urlsafe_b64encode(chance.randbytes(32)).decode().rstrip("=") for _ in range(400)]
    left = redactor("secrets").body(" ".join(tokens).encode()).decode()
    missed = [token for token in tokens if token in left]
    assert [] == [token for token in missed if not re.search("[A-Z]{7}|[a-z]{7}", token)]
    assert 40 > len(missed)
