"""Personal data: found by key, path and shape, in every form, and replaced by the same stand-in everywhere."""

import base64
import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.lossless_json import loads
from gws_replay.core.model import Exchange, Headers, Recording, Request
from gws_replay.core.redaction.redactor import Redactor
from tests.support.builders import NOTIFICATIONS, bayeux, cassette, exchange, get, growth, operation, push, update
from tests.support.redactors import redactor

NAME, PHONE, MAIL, CARD = "Vitaliy Onv", "+49 30 1234567", "v.onv@genesyslab.de", "4111 1111 1111 1111"
TEXT = {"content-type": "text/plain"}


def stand_in(value: str, using: Redactor | None = None) -> str:
    """The stand-in of a value under a personal key."""
    data = json.loads((using or redactor()).data(json.dumps({"FirstName": value})))
    return str(data["FirstName"])


def redacted(value: Any, **rules: Any) -> Any:
    """A JSON value without its personal data."""
    return loads(redactor(**rules).data(json.dumps(value)))


@pytest.mark.parametrize(
    "key",
    [
        *("FirstName", "LASTNAME", "EmailAddress", "_facebookActorName", "_facebookHomeTownLocation", "nickname"),
        *("comment", "userName", "phoneNumber", "ContactId", "Subject", "_twitterUserName", "ani", "Work_EmailAddress"),
    ],
)
def test_keys_whose_values_are_personal(key: str) -> None:
    """In userData and elsewhere, in any case."""
    assert NAME != redacted({"userData": {key: NAME}})["userData"][key]


@pytest.mark.parametrize("value", [987654321, -12, 10.5, "x1", [NAME, [NAME, 123456]], NAME])
def test_types_and_structure_stay(value: Any) -> None:
    """A number becomes a number of as many digits, items become items."""

    def kinds(value: Any) -> Any:
        return list(map(kinds, value)) if isinstance(value, list) else (type(value), len(str(value)))

    found = redacted({"accountNumber": value})["accountNumber"]
    assert kinds(value) == kinds(found)
    assert value != found


@pytest.mark.parametrize("value", [None, True, False, "", [], {}, "---"])
def test_empty_and_boolean_values_stay(value: Any) -> None:
    """Nothing, yes and no."""
    assert {"comment": value} == redacted({"comment": value})


@pytest.mark.parametrize("value", [
    {"operationName": "UpdateUserData", "state": "Processing", "referenceId": 16, "id": "0002DaAVKJ0V0095"},
    {"receivedDate": "2015-09-02T15:39:22.000+0300", "timestampSeconds": 1389261492035, "Created": "1441197555607"},
    {"userData": {"UserData1": 987654321, "UserData2": "DATAUPDATE-@123", "RStrategyDBID": "1225", "RTenant": None}},
    {"uri": "http://192.168.83.25:8090/api/v2/users/5e101708f14442c7ab79814bb4f799b2", "version": "8.5.101.04"},
    {"queue": "41cc5016-2d18-4a91-93ec-b43748948608", "_facebookSourceId": "830180563704433", "x": "4111111111111112"},
    {"message id": "0073023821aec011@localhost"},
])  # fmt: skip
def test_impersonal_values_stay(value: Any) -> None:
    """Ids, times, versions, addresses of machines, words of the API, a card with a wrong check digit."""
    assert value == redacted(value)


@pytest.mark.parametrize("value", [PHONE, MAIL, CARD, "030-555-1234".replace("030", "230"), "+4930123456"])
@pytest.mark.parametrize("form", ["{}", "Call {} now.", "<{}>", "({})"])
def test_shapes_are_found_in_any_text(value: str, form: str) -> None:
    """Under a key without a meaning; the text around them stays."""
    found = redacted({"UserData1": form.format(value)})["UserData1"]
    before, after = form.split("{}")
    assert (True, True, False) == (found.startswith(before), found.endswith(after), value in found)


FORMS = {
    "JSON in a string": lambda value: json.dumps({"a": json.dumps({"x": f"for {value}"})}),
    "JSON in JSON in a string": lambda value: json.dumps({"a": json.dumps({"b": json.dumps([value])})}),
    "XML": lambda value: json.dumps({"a": f"<a b={quoteattr(value)}><c>{escape(value)}</c></a>"}),
    "percent": lambda value: json.dumps({"a": f"http://h/{quote(value, safe='')}?x={quote_plus(value)}"}),
    "escaped": lambda value: json.dumps({"a": f"{value}, \u00fc"}).replace(value[0], f"\\u{ord(value[0]):04x}"),
    "text": lambda value: f"name={value}; and more",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [NAME, "V. O'Neil & Sons", "Ünal Öz", "1457374047909438"])
def test_a_value_found_by_its_key_is_found_in_every_form(form: str, value: str) -> None:
    """Text within text, encodings of XML and URLs."""
    one = redactor()
    replaced = stand_in(value, one)
    found = one.body(FORMS[form](value).encode()).decode()
    assert value not in found
    for encoded in (quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], escape(value)):
        assert encoded not in found
    while "\\" in found:
        found = re.sub(r"\\(u[0-9a-f]{4}|.)", lambda each: json.loads(f'"{each[0]}"'), found)
    assert replaced in unescape(found) or f"{quote(replaced, safe='')}?x={quote_plus(replaced)}" in found


def test_names_in_json_and_xml_inside_strings_count() -> None:
    """Also in an element or attribute under a key that says nothing."""
    inner = json.dumps({"FirstName": NAME})
    xml = f'<Page id="7"><FirstName>{NAME}</FirstName><User nickname="{NAME}"/></Page>'
    found = redacted({"a": inner, "b": xml})
    replaced = stand_in(NAME)
    assert {"FirstName": replaced} == json.loads(found["a"])
    assert f'<Page id="7"><FirstName>{replaced}</FirstName><User nickname="{replaced}"/></Page>' == found["b"]


@pytest.mark.parametrize(
    "xml",
    [
        "<Page><nickname>Zorbulon</nickname></Page>",
        " <nickname>\nZorbulon</nickname>",
        "<?xml version='1.0'?><a:nickname>Zorbulon</a:nickname>",
        "<Page nickname='Zorbulon'/>",
        "<nickname><![CDATA[Zorbulon]]></nickname>",
    ],
)
@pytest.mark.parametrize(
    "within",
    [lambda xml: {"userData": {"Page": xml}}, lambda xml: {"pages": ["x", xml]}],
    ids=["value", "item"],
)
def test_xml_inside_a_string_counts_whatever_else_stands_in_the_string(xml: str, within: Callable[[str], Any]) -> None:
    """Also if nothing else in it is searched for."""
    assert "Zorbulon" not in str(redacted(within(xml)))
    assert within("a < b, <nickname> is an element") == redacted(within("a < b, <nickname> is an element"))


def test_xml_that_is_personal_as_a_whole_keeps_its_tags() -> None:
    """Tags stay, text is replaced."""
    found = redacted({"_facebookActorXML": f"<User sex='male'><name>{NAME}</name> alive </User>"})["_facebookActorXML"]
    assert found.startswith("<User sex='")
    assert not {"male", NAME, "alive"} & set(found.replace("'", ">").replace("<", ">").replace(" ", ">").split(">"))


def test_one_value_has_one_stand_in_in_a_whole_recording() -> None:
    """In path, query, body, notification, before and after the message that shows its key."""
    person = "0002Da VitaliyOnv"
    one = redactor()
    found = one.recording(
        Recording(
            exchanges=(
                exchange("GET", f"/api/v2/contacts/{quote(person)}?name={quote_plus(person)}", None, {"a": person}),
                update({"Note": f"by {person}"}, began=1),
                exchange("POST", NOTIFICATIONS, [], [bayeux(push({"FirstName": person}, seen=2))], began=2),
            )
        )
    )
    replaced = stand_in(person, one)
    assert (
        f"http://gws.example/api/v2/contacts/{quote(replaced)}?name={quote_plus(replaced)}"
        == found.exchanges[0].request.uri
    )
    assert {"a": replaced} == found.exchanges[0].response_json
    assert {"Note": f"by {replaced}"} == found.exchanges[1].request_json["userData"]
    assert replaced == found.exchanges[2].response_json[0]["data"]["facebooksession"]["userData"]["FirstName"]
    assert (replaced,) == one.stand_ins


def test_the_oracle_judges_a_redacted_recording_as_the_raw_one() -> None:
    """Verdicts and changes are the same."""
    state = {"FirstName": NAME, "AccountNumber": 4711, "Z": "x"}
    for shown in ({**state, "FirstName": "Bob B."}, {**state, "FirstName": "Bob B.", "AccountNumber": "4711"}):
        raw = cassette(
            get(state, began=0), update({"FirstName": "Bob B."}, began=1), push(shown, seen=1.2, comment="by Bob B.")
        )
        found = redactor().cassette(raw)
        assert "Bob B." not in repr(found)
        assert [(u.verdict, u.changes.keys) for u in raw.updates()] == [
            (u.verdict, u.changes.keys) for u in found.updates()
        ]


def test_workspace_v3_names_its_keys_in_the_value() -> None:
    """userData is a list of key, type and value there, in any order."""
    found = redacted({"userData": [{"key": "FirstName", "type": "str", "value": NAME}, {"value": NAME, "key": "ani"}]})
    replaced = stand_in(NAME)
    assert [("FirstName", replaced), ("ani", replaced)] == [(each["key"], each["value"]) for each in found["userData"]]


def test_both_parts_of_basic_credentials_are_redacted_everywhere() -> None:
    """The password is a secret, the user name is personal."""
    credentials = base64.b64encode(b"kristi.sippola:genesys-2015!").decode()
    sent = Request(
        method="POST",
        uri="http://h/x",
        headers=Headers((("Authorization", f"Basic {credentials}"),)),
        body=json.dumps({"a": "kristi.sippola", "b": f"pw genesys-2015! of {credentials}"}).encode(),
    )
    found = redactor().request(sent)
    assert {"a": stand_in("kristi.sippola"), "b": "pw <redacted:password> of <redacted:authorization>"} == json.loads(
        found.body
    )


@pytest.mark.parametrize("key", ["password", "userPassword", "access_token", "client_secret", "apiKey", "SAMLResponse"])
def test_keys_whose_values_are_secret(key: str) -> None:
    """In JSON, forms and queries; whatever stands under them."""
    secret = "correct horse 12"
    form = exchange("POST", f"/x?{key}={quote(secret)}", f"{key}={quote_plus(secret)}&a=1".encode(),
                    request_headers=[("Content-Type", "application/x-www-form-urlencoded")])  # fmt: skip
    found = redactor("secrets").recording(Recording(exchanges=(form,))).exchanges[0].request
    assert f"http://gws.example/x?{key}=<redacted:{key}>" == found.uri
    assert f"{key}=<redacted:{key}>&a=1".encode() == found.body
    assert {key: f"<redacted:{key}>", "a": 1} == redacted({key: {"deep": [secret]}, "a": 1}, level="secrets")


@pytest.mark.parametrize(
    "text",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    ],
)
def test_secrets_are_recognized_by_their_shape(text: str) -> None:
    """Under any key, and within any text."""
    found = redacted({"a": f"see {text}, please"}, level="secrets")["a"]
    assert found.startswith("see <redacted:")
    assert found.endswith(">, please")


def test_own_rules_apply_by_key_path_header_and_pattern() -> None:
    """Keep overrides all others; level `secrets` keeps personal data."""
    value = {"CustomerNo": "KD-123456", "a": {"b": [{"name": NAME}]}, "FirstName": NAME, "note": "KD-654321, KX-1"}
    found = redacted(value, secret=["customer*"], personal=["$.a..name", "pattern:KD-[0-9]{6}"], keep=["FirstName"])
    assert ("<redacted:CustomerNo>", NAME) == (found["CustomerNo"], found["FirstName"])
    assert NAME != found["a"]["b"][0]["name"]
    assert "KD-654321" not in found["note"]
    assert found["note"].endswith(", KX-1")
    assert {"FirstName": NAME} == redacted({"FirstName": NAME}, level="secrets")
    sent = Request(method="GET", uri="http://h/", headers=Headers((("X-Tenant", "acme"), ("X-Person", NAME))))
    headers = redactor(keep=["header:x-tenant"], personal=["header:X-*"]).request(sent).headers
    assert (("X-Tenant", "acme"), ("X-Person", stand_in(NAME))) == headers.pairs


LONG: dict[str, Callable[[int], Any]] = {
    "a word": lambda size: {"a": "w" * size},
    "signs of an address": lambda size: {"a": "a.b-" * size + "@"},
    "a domain": lambda size: {"a": "x@" + "a-b." * size},
    "colons": lambda size: {"a": "http://" + "a:" * size},
    "an open tag": lambda size: {"a": "<a " + "w" * size + "</a>"},
    "tags": lambda size: {"a": "<a>" * size + "</a>"},
    "digits": lambda size: {"a": "4" + "1 " * size},
    "nested": lambda size: json.loads("[" * 300 + '"x"' + "]" * 300),
    "a name": lambda size: {"FirstName": "ab " * size},
}


@pytest.mark.parametrize("name", LONG)
def test_no_text_takes_quadratic_time(name: str) -> None:
    """Whatever a user wrote into a chat."""
    make = LONG[name]
    assert growth(lambda size: redactor().data(json.dumps(make(size))), 5_000) < 9


def test_redacting_the_redacted_changes_nothing() -> None:
    """With the stand-ins that its header names."""
    raw = cassette(
        get({"FirstName": NAME, "x": f"{MAIL} {PHONE} {CARD}", "n": 4111111111111111}, began=0),
        operation("AddComment", began=1, comment=f"{NAME}, born 1970"),
        push(None, seen=2, comment=f"{NAME}, born 1970"),
    )
    once = redactor().cassette(raw)
    assert once == Redactor(redactor().policy, b"another key", once.header["stand_ins"]).cassette(once)
    assert raw != once


def test_value_recorded_before_its_key_is_redacted_at_the_end() -> None:
    """A name in a text is replaced when the recording ends."""
    one = redactor()
    seen = [
        Exchange(request=one.request(raw.request), response=one.response(raw.response), began=0, ended=1)
        for raw in (update({"Note": f"by {NAME}"}, began=0), update({"FirstName": NAME}, began=1))
    ]
    assert NAME in str(seen)
    found = one.again().recording(Recording(exchanges=tuple(seen)))
    assert NAME not in str(found)
    assert found.exchanges[1].request == seen[1].request
    assert compile_recording(found).cassette.interactions[0].request_json["userData"] == {
        "Note": f"by {stand_in(NAME)}"
    }


WORDS = st.sampled_from(
    [NAME, "Bo", MAIL, PHONE, CARD, "", "x", "a\ud800", "\udcff\u00fcber", "<a>Bo</a>", '{"FirstName": "Bo"}', "%41"]
)
TEXTS = WORDS | st.text(max_size=8) | st.lists(WORDS, max_size=3).map(" ".join)
NAMES = ["FirstName", "Note", "key", "value", "password", "AccountNumber", "keys", "channel", "ext", "a b"]
KEYS = st.sampled_from(NAMES)
SCALARS = TEXTS | st.integers() | st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)


def structure(value: Any) -> Any:
    """Which keys there are, and of what type everything is; what stands under a secret key is a text."""
    if isinstance(value, dict):
        return {key: None if key == "password" else structure(inner) for key, inner in value.items()}
    return list(map(structure, value)) if isinstance(value, list) else type(value)


def test_value_shown_by_a_list_item_is_replaced_before_it_too() -> None:
    """Though the member before it was already judged harmless."""
    found = json.loads(redactor().data(json.dumps({"Note": "Vitaliy Onv", "FirstName": ["Vitaliy Onv"]})))
    assert found["Note"] == found["FirstName"][0] != "Vitaliy Onv"


@settings(max_examples=60)
@given(st.dictionaries(KEYS, VALUES, max_size=4) | st.lists(VALUES, max_size=3), st.booleans())
def test_any_json_keeps_its_structure_and_is_redacted_once(value: Any, ascii_: bool) -> None:
    """Whatever characters it holds, escaped or not; the second time nothing changes."""
    text = json.dumps(value, ensure_ascii=ascii_ or not json.dumps(value, ensure_ascii=False).isprintable())
    one = redactor()
    found = one.data(text)
    assert structure(json.loads(text)) == structure(json.loads(found))
    assert found == one.again().data(found)
    body = one.body(found.encode("utf-8", "surrogatepass"))
    assert isinstance(body, bytes)
