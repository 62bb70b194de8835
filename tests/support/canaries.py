"""Secret and personal values that exist nowhere else, planted in every place and every encoding that is known."""

import base64
import html
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from gws_replay.core.model import Exchange, Headers, Recording, Request, Response, WebSocketMessage

HOST = "http://gws.canary.invalid"
SECRETS = {
    "basic password": "Zug-9!kanarie1",
    "bearer": "b3arer.kanarie2.token~9",
    "jwt": "eyJrYW5hcmllMyI6MX0.eyJzdWIiOiJ4In0.c2lnbmF0dXJlMw",
    "session": "node0kanarie4session",
    "other cookie": "kanarie5cookievalue",
    "csrf": "kanarie6-csrf-token",
    "client id": "kanarie7clientidvalue",
    "browser": "kanarie8bayeuxbrowser",
    "api key": "kanarie9apikey",
    "ssid": "kanarie10ssid",
    "surl": "https://kanarie11.my.salesforce.invalid/x",
    "susername": "kanarie12susername",
    "url password": "kanarie13urlpassword",
    "session in path": "kanarie14jsessionid",
    "access token": "kanarie15accesstoken",
    "code": "kanarie16oauthcode",
    "form password": "kanarie17 form+password",
    "password": 'kanarie18 "password"',
    "client secret": "kanarie19clientsecret",
    "aws": "AKIAKANARIE20QQQQQQQ",
    "private key": "-----BEGIN PRIVATE KEY-----\nkanarie21\n-----END PRIVATE KEY-----",
    "unknown header": "kanarie22unknownheader",
    "ext": "kanarie23exttoken",
    "saml": "a2FuYXJpZTI0+saml/response=",
    "nested": "kanarie25nestedsecret",
    "cookie of answer": "kanarie26answercookie",
}
PERSONS = {
    "first name": "Kanarie Twentyseven",
    "last name": "O'Kanarie & 28",
    "address": "kanarie29@customer-corp.de",
    "phone": "+49 30 3031323334",
    "called": "030 3132333435",
    "card": "4539 1488 0343 6467",
    "contact": "00025aKANARIE31N",
    "nickname": "KanarieThirtyTwo",
    "text": "My sister Kanarie33 is ill.",
    "comment": "asks for Kanarie34 \u00fc \u20ac",
    "user": "kanarie35.agent",
    "xml name": "Kanarie36 Xmlson",
    "json name": "Kanarie37 Jsonson",
    "account": "38383838381",
    "message": "Kanarie39 <b>bold</b>",
    "actor": "1457374040404040",
}
EVERY = {**SECRETS, **PERSONS}


def planted_in(text: str) -> list[str]:
    """The names of the canaries that a text holds, in any encoding."""
    return [name for name, value in EVERY.items() if any(form in text for form in _forms(value))]


def _forms(value: str) -> Iterator[str]:
    yield from (value, quote(value), quote(value, safe=""), quote_plus(value), html.escape(value))
    yield from (
        json.dumps(value)[1:-1],
        json.dumps(json.dumps(value))[3:-3],
        json.dumps(value, ensure_ascii=False)[1:-1],
    )
    yield base64.b64encode(f"{PERSONS['user']}:{SECRETS['basic password']}".encode()).decode()


def user_data() -> dict[str, Any]:
    """userData with personal data under their keys, in texts, in JSON and XML within strings."""
    name = PERSONS["xml name"]
    shapes = f"card {PERSONS['card']}, mail <{PERSONS['address']}>, call {PERSONS['phone']}"
    return {
        "Note": f"before: {PERSONS['first name']}, {shapes}",
        "FirstName": PERSONS["first name"],
        "LastName": PERSONS["last name"],
        "PhoneNumber": PERSONS["called"],
        "ContactId": PERSONS["contact"],
        "AccountNumber": int(PERSONS["account"]),
        "_facebookMessageText": PERSONS["message"],
        "_facebookActorId": PERSONS["actor"],
        "_facebookActorXML": f'<User name="{name}"><about>{html.escape(PERSONS["message"])}</about></User>',
        "Form": json.dumps({"LastName": PERSONS["json name"], "deep": json.dumps({"password": SECRETS["nested"]})}),
        "Page": f"<Page><nickname>{PERSONS['nickname']}</nickname></Page>",
        "Again": f"{PERSONS['json name']}; {html.escape(PERSONS['last name'])}; {quote(PERSONS['text'])}",
        "Keys": f"{SECRETS['aws']} {SECRETS['private key']} {SECRETS['jwt']}",
        "Url": f"http://x:{SECRETS['url password']}@h/a;jsessionid={SECRETS['session in path']}?to={quote_plus(name)}",
    }


def headers() -> Headers:
    """The headers of a client's request."""
    basic = base64.b64encode(f"{PERSONS['user']}:{SECRETS['basic password']}".encode()).decode()
    cookies = {"JSESSIONID": SECRETS["session"], "a": SECRETS["other cookie"], "BAYEUX_BROWSER": SECRETS["browser"]}
    return Headers(
        (
            ("Authorization", f"Basic {basic}"),
            ("Proxy-Authorization", f"Bearer {SECRETS['bearer']}"),
            ("Cookie", "; ".join(map("=".join, cookies.items()))),
            ("X-CSRF-TOKEN", SECRETS["csrf"]),
            ("X-API-Key", SECRETS["api key"]),
            ("ssid", SECRETS["ssid"]),
            ("surl", SECRETS["surl"]),
            ("SUSERNAME", SECRETS["susername"]),
            ("X-Whatever", SECRETS["unknown header"]),
            ("Referer", f"{HOST}/x;jsessionid={SECRETS['session in path']}?access_token={SECRETS['access token']}"),
        )
    )


def update() -> Request:
    """An UpdateUserData of all that."""
    sent = {"operationName": "UpdateUserData", "userData": user_data()}
    uri = f"{HOST}/api/v2/me/facebooksessions/0002DaAVKJ0V0095"
    return Request(method="POST", uri=uri, headers=headers(), body=json.dumps(sent).encode())


def _login() -> Exchange:
    form = f"password={quote_plus(SECRETS['form password'])}&client_secret={SECRETS['client secret']}"
    uri = (
        f"http://u:{quote(SECRETS['url password'])}@gws.canary.invalid/api/v2/oauth/token?code={SECRETS['code']}"
        f"&SAMLResponse={quote_plus(SECRETS['saml'])}"
    )
    sent_headers = Headers((*headers().pairs, ("Content-Type", "application/x-www-form-urlencoded")))
    reply = {"access_token": SECRETS["access token"], "id_token": SECRETS["jwt"], "password": SECRETS["password"]}
    cookie = ("Set-Cookie", f"JSESSIONID={SECRETS['cookie of answer']}; Path=/; HttpOnly")
    return _exchange(Request(method="POST", uri=uri, headers=sent_headers, body=form.encode()), reply, 0.0, cookie)


def _exchange(request: Request, reply: Any, began: float, *pairs: tuple[str, str]) -> Exchange:
    pushed = Headers((("Content-Type", "application/json"), *pairs))
    response = Response(status=200, reason="OK", headers=pushed, body=json.dumps(reply).encode())
    return Exchange(request=request, response=response, began=began, ended=began + 0.1)


def recording() -> Recording:
    """A login, GET /me and GET of the sessions, an update, and its notification by long-polling and by WebSocket."""
    before = {**user_data(), "FirstName": "Bob"}
    resource: dict[str, Any] = {"id": "0002DaAVKJ0V0095", "comment": PERSONS["comment"], "userData": before}
    resource["participants"] = [{"nickname": PERSONS["nickname"], "phoneNumber": PERSONS["called"]}]
    shown = {**resource, "userData": user_data()}
    data = {"notificationType": "PropertiesUpdated", "facebooksession": shown, "messages": [{"text": PERSONS["text"]}]}
    pushed = [{"channel": "/v2/me/facebooksession", "data": data, "clientId": SECRETS["client id"]}]
    poll = [{"channel": "/meta/connect", "clientId": SECRETS["client id"], "ext": {"auth": SECRETS["ext"]}}]
    path = f"/api/v2/contacts/{quote(PERSONS['contact'])}?name={quote_plus(PERSONS['first name'])}"

    def get(path: str) -> Request:
        return Request(method="GET", uri=HOST + path, headers=headers())

    me = {"user": {"userName": PERSONS["user"], "firstName": PERSONS["first name"], "text": PERSONS["text"]}}
    polled = Request(
        method="POST", uri=f"{HOST}/api/v2/notifications", headers=headers(), body=json.dumps(poll).encode()
    )
    return Recording(
        exchanges=(
            _login(),
            _exchange(get(path), me, 1.0, ("X-CSRF-HEADER", "X-CSRF-TOKEN"), ("X-CSRF-TOKEN", SECRETS["csrf"])),
            _exchange(get("/api/v2/me/facebooksessions?fields=*"), {"facebooksessions": [resource]}, 2.0),
            _exchange(update(), {"statusCode": 0}, 3.0),
            _exchange(polled, pushed, 3.5),
        ),
        messages=(
            WebSocketMessage(
                uri=f"{HOST}/api/v2/notifications", seen=4.0, from_client=False, content=json.dumps(pushed)
            ),
        ),
        unanswered=(Exchange.without_response(get(path), 5.0, 6.0, "silence"),),
    )
