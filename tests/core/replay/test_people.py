"""The user of a request: by the identities that a live user has sent or received."""

from collections.abc import Sequence

import pytest

from gws_replay.core.compile.identity import sent_in
from gws_replay.core.model import Headers, Identity, Request
from gws_replay.core.replay.people import People, says_who

ANNA, BERT = Identity("login", "anna"), Identity("login", "bert")
COOKIE, TOKEN, RENEWED = Identity("cookie", "s1"), Identity("token", "t1"), Identity("token", "t2")
KEY = Identity("application key", "k")


def people_of(*learned: Sequence[Identity]) -> People:
    """Users with learned identities, from user 0 on."""
    people = People()
    for number, identities in enumerate(learned):
        people.learn(number, identities)
    return people


@pytest.mark.parametrize(
    ("sent", "owner"),
    [
        ([ANNA], 0),
        ([BERT], 1),
        ([COOKIE], 0),
        ([RENEWED, COOKIE], 0),
        ([RENEWED], None),
        ([BERT, COOKIE], 1),
        ([Identity("login", "carl"), COOKIE], None),
        ([KEY], 1),
        ([RENEWED, KEY], None),
        ([TOKEN, KEY], 0),
        ([], None),
    ],
)
def test_the_owner_of_identities(sent: list[Identity], owner: int | None) -> None:
    """A name counts more than a cookie; a new token with a known cookie is a renewed one; a key counts alone."""
    people = people_of([ANNA, COOKIE, TOKEN, KEY], [BERT, Identity("token", "t9"), KEY])
    assert owner == people.owner(sent)


def test_a_user_without_a_name_may_get_one() -> None:
    """From then on another name is another user."""
    people = people_of([TOKEN, COOKIE])
    assert people.owner([ANNA, COOKIE]) == 0
    people.learn(0, [ANNA, COOKIE])
    assert people.owner([BERT, COOKIE]) is None
    assert people.contradicts(0, [BERT])
    assert not people.contradicts(0, [TOKEN])
    assert people.name(0, "login") == "anna"


def test_value_of_a_response_alone_does_not_identify_a_user() -> None:
    """The user who sends it is identified; a user with other values may still be the same."""
    people = People()
    people.learn(0, [TOKEN], used=False)
    assert (0, False) == (people.owner([TOKEN]), people.is_identified(0))
    people.learn(0, [RENEWED])
    assert people.is_identified(0)


def test_cookie_alone_does_not_identify_a_user() -> None:
    """It may belong to another server."""
    assert not says_who([COOKIE])
    assert says_who([COOKIE, KEY])
    assert not says_who([])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "AWS4-HMAC-SHA256 Credential=AK1/20260302/eu/x/aws4_request, Signature=a",
            "AWS4-HMAC-SHA256 Credential=AK1/2",
        ),
        (
            'OAuth oauth_consumer_key="c", oauth_token="t", oauth_nonce="1"',
            'OAuth oauth_token="t", oauth_consumer_key="c"',
        ),
        (
            "HMAC-SHA512 Credential=desk/1, SignedHeaders=host, Signature=0a",
            "HMAC-SHA512 Credential=desk/2, Signature=b",
        ),
        ('Signature keyId="desk",algorithm="hs2019",signature="x"', 'Signature keyId="desk",signature="y"'),
        ('Hawk id="desk", ts="1", nonce="n", mac="m"', 'Hawk id="desk", ts="2", nonce="o", mac="p"'),
        ("AWS desk:0123=", "AWS desk:4567="),
        ('Digest username="desk", nonce="1", response="2"', 'Digest username="desk", nonce="3", response="4"'),
    ],
)
def test_a_signature_for_each_request_is_one_identity(one: str, other: str) -> None:
    """Its constant part names the owner of the key; another key is another user."""
    found = [
        sent_in(Request(method="GET", uri="/", headers=Headers((("Authorization", each),)))) for each in (one, other)
    ]
    assert found[0] == found[1] != ()
    changed = one.replace("desk", "other").replace("AK1", "AK2").replace('"t"', '"u"')
    assert sent_in(Request(method="GET", uri="/", headers=Headers((("Authorization", changed),)))) != found[0]
