"""Secrets that detect-secrets finds by pattern are replaced, too: an independent judge with its own rules."""

import base64
import random
import re

import pytest
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings
from hypothesis import given, settings
from hypothesis import strategies as st

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
    """The secrets that detect-secrets finds in a line."""
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
    """A hexadecimal key cannot be distinguished from the id of a user, so only its name tells."""
    assert text == redactor("secrets").body(text.encode()).decode()


SECRETS = {
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
    "aws-key": f"AKIA{'Q7' * 8}",
    "private-key": f"-----BEGIN EC PRIVATE KEY-----\n{MIXED[:64]}\n-----END EC PRIVATE KEY-----",
    "api-token": f"xoxb-{DIGITS}-{MIXED[:12]}",
    "authorization": f"Bearer {MIXED[:20]}",
    "userinfo": "https://agent:Wintermond-3@gws.example/",
    "jsessionid": f"JSESSIONID={HEX[:20]}",
    "password": "my password is tR33house!",
    "token": f"client_secret={HEX[:20]}",
    "random": MIXED[:40],
}
AROUND = st.lists(
    st.sampled_from(
        [" ", "\n", "x", "ab", "12", "=", ":", "/", "@", "-", "_", ".", "%20", "&", "password", "token ", "+", '"']
    ),
    max_size=5,
).map("".join)


@settings(max_examples=300)
@given(st.sampled_from(sorted(SECRETS)), AROUND, AROUND)
def test_a_secret_is_found_whatever_stands_around_it(name: str, before: str, after: str) -> None:
    """Between spaces; quick looks at the whole text do not pass it over."""
    text = f"{before} {SECRETS[name]} {after}"
    left = redactor("secrets").body(text.encode()).decode()
    value = (
        SECRETS[name].rpartition(" is ")[2].rpartition("=")[2].removeprefix("Bearer ").removeprefix("https://agent:")
    )
    assert value.partition("@")[0].partition("\n")[0] not in left


def test_random_text_is_replaced() -> None:
    """Tokens of 32 random bytes, but for the few in which chance has written something like a word."""
    chance = random.Random(20261124)
    tokens = [base64.urlsafe_b64encode(chance.randbytes(32)).decode().rstrip("=") for _ in range(400)]
    left = redactor("secrets").body(" ".join(tokens).encode()).decode()
    missed = [token for token in tokens if token in left]
    assert [] == [token for token in missed if not re.search("[A-Z]{7}|[a-z]{7}", token)]
    assert 40 > len(missed)
