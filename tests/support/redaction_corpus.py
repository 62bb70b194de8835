"""The corpus that redaction is measured with: values that must be redacted, and values that must stay.

Run: .venv/bin/python -m tests.support.redaction_corpus. It prints the table of docs/security.md, and every value that
was missed or changed by mistake.
"""

import base64
import html
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from gws_replay.core.model import Exchange, Headers, Recording, Request, Response
from gws_replay.core.redaction.policy import Policy
from gws_replay.core.redaction.redactor import Redactor

URL = "https://gws.example.com/api/v2/me"
JSON = "application/json"


@dataclass(frozen=True)
class Case:
    """A recording with a value that must be redacted (or must stay, if it is harmless), and the place of the value."""

    group: str
    name: str
    value: str
    recording: Recording


def message(
    body: bytes | str = b"",
    kind: str = JSON,
    *,
    uri: str = URL,
    sent: bytes | str = b"",
    sent_kind: str = JSON,
    request_fields: tuple[tuple[str, str], ...] = (),
    answered: tuple[tuple[str, str], ...] = (),
    reason: str = "OK",
) -> Exchange:
    """An exchange."""

    def plain(content: bytes | str) -> bytes:
        return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content

    kinds = (("Content-Type", kind),) if body else ()
    sent_kinds = (("Content-Type", sent_kind),) if sent else ()
    request = Request(method="POST", uri=uri, headers=Headers((*sent_kinds, *request_fields)), body=plain(sent))
    response = Response(status=200, reason=reason, headers=Headers((*kinds, *answered)), body=plain(body))
    return Exchange(request=request, response=response, began=1, ended=2)


def escaped(text: str) -> str:
    """Every letter as an escape of JSON."""
    return "".join(f"\\u{ord(each):04x}" for each in text)


def multipart(name: str, content: str, file: str = "") -> str:
    """A multipart body."""
    disposition = f'form-data; name="{name}"' + (f'; filename="{file}"' if file else "")
    return f"--xYzZY\r\nContent-Disposition: {disposition}\r\n\r\n{content}\r\n--xYzZY--\r\n"


FORM, PARTS, TEXT, XML, HTML = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=xYzZY",
    "text/plain",
    "text/xml",
    "text/html",
)
PLACES: dict[str, Callable[[str], Exchange]] = {
    "statusMessage": lambda v: message(json.dumps({"statusCode": 5, "statusMessage": f"{v} is wrong"})),
    "any key": lambda v: message(json.dumps({"quux": v})),
    "state": lambda v: message(json.dumps({"state": v})),
    "type": lambda v: message(json.dumps({"type": f"of {v}"})),
    "version": lambda v: message(json.dumps({"version": v})),
    "items of keys": lambda v: message(sent=json.dumps({"operationName": "DeleteUserData", "keys": [v]})),
    "JSON key": lambda v: message(json.dumps({"people": {v: {"state": "Ready"}}})),
    "reason phrase": lambda v: message(reason=f"No contact {v}"),
    "path": lambda v: message(uri=f"{URL}/x/{quote(v, safe='')}/y"),
    "matrix parameter": lambda v: message(uri=f"{URL}/x;of={quote(v, safe='')}/y"),
    "query": lambda v: message(uri=f"{URL}?id={quote_plus(v)}&b=1"),
    "name of a parameter": lambda v: message(uri=f"{URL}?{quote_plus(v)}=1"),
    "fragment": lambda v: message(uri=f"{URL}#at={quote(v, safe='')}"),
    "fragment alone": lambda v: message(uri=f"{URL}#{quote(v, safe='')}"),
    "Referer": lambda v: message(request_fields=(("Referer", f"{URL}?who={quote(v, safe='')}"),)),
    "request header": lambda v: message(request_fields=(("User-Agent", f"agent of {v}"),)),
    "response header": lambda v: message(answered=(("X-Served-For", v),)),
    "Location": lambda v: message(answered=(("Location", f"{URL}/{quote(v, safe='')}"),)),
    "cookie": lambda v: message(request_fields=(("Cookie", f"a=1; last={quote(v, safe='')}"),)),
    "Set-Cookie": lambda v: message(answered=(("Set-Cookie", f"last={quote(v, safe='')}; Path=/{quote(v, safe='')}"),)),
    "multipart field": lambda v: message(sent=multipart("quux", f"it is {v}"), sent_kind=PARTS),
    "file name": lambda v: message(sent=multipart("file", "x", f"letter to {v}.txt"), sent_kind=PARTS),
    "form": lambda v: message(sent=f"a=1&quux={quote_plus(v)}", sent_kind=FORM),
    "server-sent event": lambda v: message(
        f"event: x\ndata: {json.dumps({'quux': v})}\n\ndata: {v}\n\n", "text/event-stream"
    ),
    "JSONP": lambda v: message(f"callback({json.dumps({'quux': v})});", "application/javascript"),
    "prefixed JSON": lambda v: message(")]}',\n" + json.dumps({"quux": v})),
    "CDATA": lambda v: message(f"<a><b><![CDATA[of {v}]]></b></a>", XML),
    "XML text": lambda v: message(f"<a><b>{html.escape(v)}</b></a>", XML),
    "XML attribute": lambda v: message(f'<a b="{html.escape(v)}"/>', XML),
    "HTML": lambda v: message(f"<html><body><p>for {html.escape(v)}</p></body></html>", HTML),
    "script in HTML": lambda v: message(f"<html><script>var x = {json.dumps({'quux': v})};</script></html>", HTML),
    "JSON with a mark": lambda v: message("\ufeff" + json.dumps({"quux": v})),
    "ISO-8859-1": lambda v: message(
        f'{{"ort": "Köln", "quux": "{v}"}}'.encode("latin-1"), f"{JSON}; charset=iso-8859-1"
    ),
    "ISO-8859-1, not declared": lambda v: message(f'{{"ort": "Köln", "quux": "{v}"}}'.encode("latin-1")),
    "UTF-16": lambda v: message(json.dumps({"quux": v}).encode("utf-16")),
    "UTF-16, no mark": lambda v: message(json.dumps({"quux": v}).encode("utf-16-le"), TEXT),
    "windows-1252": lambda v: message(f"10 € für {v}".encode("cp1252"), "text/plain; charset=windows-1252"),
    "percent-encoded": lambda v: message(json.dumps({"quux": f"x%3D{quote(v, safe='')}"})),
    "percent-encoded letters": lambda v: message("".join(f"%{byte:02x}" for byte in v.encode()), TEXT),
    "base64": lambda v: message(json.dumps({"quux": base64.b64encode(f"it is {v}, you know".encode()).decode()})),
    "base64 alone": lambda v: message(json.dumps({"quux": base64.b64encode(v.encode()).decode()})),
    "base64 for URLs": lambda v: message(uri=f"{URL}?d={base64.urlsafe_b64encode(f'<< {v} >> ??'.encode()).decode()}"),
    "escaped": lambda v: message(f'{{"quux": "{escaped(v)}"}}'),
    "escaped in a script": lambda v: message(f"var x = '{escaped(v)}';", "application/javascript"),
    "entities": lambda v: message("<p>" + "".join(f"&#{ord(each)};" for each in v) + "</p>", HTML),
    "JSON in a string": lambda v: message(json.dumps({"a": json.dumps({"b": json.dumps({"quux": v})})})),
    "lines of JSON": lambda v: message(f'{{"a": 1}}\n{json.dumps({"quux": v})}\n', "application/x-ndjson"),
    "text": lambda v: message(f"Written for {v}, today.", TEXT),
    "log line": lambda v: message(f'2026-11-30 10:00:01 INFO [x] request {{"quux": "{v}"}} of {v} done', TEXT),
    "CSV": lambda v: message(f"a;b;c\n1;{v};3\n", "text/csv"),
    "binary": lambda v: message(b"\x00\x01\xfe\xff" + v.encode() + b"\x00", "application/octet-stream"),
}
# The key or the shape that shows what a value is, and the value.
FOUND_BEFORE: dict[str, tuple[Callable[[str], Exchange], str]] = {
    "password": (lambda v: message(sent=json.dumps({"password": v})), "Herbstlaub-52x"),
    "short password": (lambda v: message(sent=json.dumps({"password": v})), "nK7!"),
    "Basic password": (
        lambda v: message(
            request_fields=(("Authorization", f"Basic {base64.b64encode(f'xaver:{v}'.encode()).decode()}"),)
        ),
        "Regen&Wind 9",
    ),
    "token": (lambda v: message(request_fields=(("Authorization", f"Bearer {v}"),)), "5f0c3a9e77b1d2"),
    "name": (lambda v: message(json.dumps({"firstName": v})), "Ottilie Krawczyk"),
    "address": (lambda v: message(json.dumps({"EmailAddress": v})), "o.krawczyk@kundin-ag.de"),
    "phone": (lambda v: message(json.dumps({"HomePhone": v})), "+43 664 0550123"),
}
TOKEN = "c0ffee88d0be"
PHONE_SPELLINGS = (
    *("+436640550123", "0043 664/055-01-23", "0664 0550 123", "+43\u2009664\u20090550123", "+43.664.0550123"),
)
SECRET_KEYS = (
    *("password", "Password", "userPassword", "new_password", "passwd", "pwd", "passphrase", "passcode", "Pass-Code"),
    *("otp", "secret", "client_secret", "clientSecret", "secretKey", "secret_key", "accessKey", "access_key", "apiKey"),
    *(
        "api_key",
        "api-key",
        "token",
        "access_token",
        "refreshToken",
        "id_token",
        "csrfToken",
        "privateKey",
        "private_key",
    ),
    *("authorization", "credentials", "assertion", "SAMLResponse", "code_verifier", "jsessionid", "ssid", "cvv"),
)
PERSONAL_KEYS: dict[str, str] = {
    **dict.fromkeys(
        ("FirstName", "first_name", "LastName", "last-name", "middleName", "fullName", "displayName"), "Ottilie"
    ),
    **dict.fromkeys(
        ("CustomerName", "customer_name", "CallerName", "contactName", "surname", "nickname"), "O. Krawczyk"
    ),
    **dict.fromkeys(("userName", "user_name", "username"), "okrawczyk7"),
    **dict.fromkeys(
        ("HomePhone", "MobilePhone", "phone_number", "Telephone", "mobile", "fax", "workPhone"), "0430998123"
    ),
    **dict.fromkeys(("phoneNumber", "Phone", "phone-no", "cell", "ani", "dnis", "callerId", "FaxNumber"), "0430998124"),
    **dict.fromkeys(("DOB", "birthDate", "birth_date", "dateOfBirth", "Birthday", "date_of_birth"), "1971-03-09"),
    **dict.fromkeys(("IBAN", "iban", "customerIban"), "AT611904300234573201"),
    **dict.fromkeys(
        ("AddressLine1", "address_line_2", "Street", "streetAddress", "homeAddress", "address"), "Ringgasse 11"
    ),
    **dict.fromkeys(("zipCode", "postal_code", "postcode"), "A-1020"),
    **dict.fromkeys(
        ("EmailAddress", "email", "e-mail", "work_email", "fromAddress", "to", "cc", "replyTo"), "o.k@kundin.de"
    ),
    **dict.fromkeys(
        ("body", "content", "htmlText", "plainText", "structuredText"), "Dear Ottilie, your dog has arrived"
    ),
    **dict.fromkeys(("subject", "text", "comment", "message"), "My dog Waldi is ill"),
    **dict.fromkeys(("cardNumber", "creditCard", "accountNumber", "ssn", "passportNumber", "ContactId"), "0AB887766"),
}
SHAPES: dict[str, str] = {
    "e-mail": "o.krawczyk@kundin-ag.de",
    "e-mail of a reserved domain": "o.krawczyk@example.org",
    "phone": "+43 664 055 01 23",
    "phone with other spaces": "+43\u00a0664\u00a0055\u202f0123",
    "phone without spaces": "+436640550123",
    "American phone": "(230) 555-1234",
    "card": "4539 1488 0343 6467",
    "card without spaces": "4539148803436467",
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvdHRpbGllIn0.c2lnbmF0dXJlMTIz",
    "AWS key": "AKIAQ7" + "Q7" * 7,
    "GitHub token": "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eFgH1i",
    "Slack token": "xoxb-0123456789-aB3dE6gH9jK2",
    "Stripe key": "sk_live_" + "aB3dE6gH9jK2mN5pQ8sT1vW4",
    "private key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    "random text": "wK4msYVu1GFN2L8NEqOHcQySgjDZ4y5nQm4L4zaa",
    "random text with a slash": "hT4msYVu/GFN2L8NE/OHcQySgjDZ4y5nQm4L4zaa",
    "random text with a plus": "hT4msYVu+GFN2L8NE/OHcQySgjDZ4y5nQm4L4za=",
    "long random text": "Zq7Rk2Vx9Lm4Tb8Nc1Yp6Ws3Hd5Jf0Ga" * 9,
}
IN_WORDS: dict[str, tuple[str, str]] = {
    "Bearer": ("Bearer {}", "5f0c3a9e77b1d2c4"),
    "password=": ("x password={} y", "Herbstlaub52"),
    "pwd=": ("pwd={};", "Herbstlaub52"),
    "password is": ("the password is {} now", "Herbst52laub"),
    "access_token=": ("?access_token={}&x=1", "5f0c3a9e77b1d2c4"),
    "api_key=": ("api_key={}", "5f0c3a9e77b1d2c4"),
    "jsessionid=": (";jsessionid={}?x", "0A1B2C3D4E5F"),
    "user info": ("https://xaver:{}@gws.example.com/", "Herbstlaub52"),
}
RESPONSE_HEADERS = (
    *(
        "X-Auth-Token",
        "X-CSRF-TOKEN",
        "X-Session-Id",
        "X-Access-Token",
        "X-Api-Key",
        "Authorization",
        "X-Amz-Security-Token",
    ),
    *("X-Refresh-Token", "X-XSRF-TOKEN", "X-JWT"),
)
REQUEST_HEADERS = ("X-Desk-Key", "X-Anything", "Proxy-Authorization", "X-Genesys-Token", "Cookie2", "X-Auth")


def canaries() -> Iterator[Case]:
    """Yield every recording with a value that must be redacted."""
    yield from _values_found()
    for key in SECRET_KEYS:
        yield from _under("secret keys", key, "Herbstlaub-52x")
    for key, value in PERSONAL_KEYS.items():
        yield from _under("personal keys", key, value)
    yield from _shapes()
    for name in RESPONSE_HEADERS:
        yield Case("headers", f"response {name}", TOKEN, _recorded(message(answered=((name, TOKEN),))))
    for name in REQUEST_HEADERS:
        yield Case("headers", f"request {name}", TOKEN, _recorded(message(request_fields=((name, TOKEN),))))


def _values_found() -> Iterator[Case]:
    for found_before, (gives_away, value) in FOUND_BEFORE.items():
        for place, build in PLACES.items():
            recording = _recorded(gives_away(value), build(value))
            yield Case("known values, wherever they stand", f"{found_before}: {place}", value, recording)
    gives_away, value = FOUND_BEFORE["phone"]
    for spelled in PHONE_SPELLINGS:
        recording = _recorded(gives_away(value), PLACES["text"](spelled))
        yield Case("known values, spelled in another way", spelled, spelled, recording)
    gives_away, value = FOUND_BEFORE["address"]
    for spelled in (value.upper(), value.title()):
        recording = _recorded(gives_away(value), PLACES["any key"](spelled))
        yield Case("known values, spelled in another way", spelled, spelled, recording)


def _shapes() -> Iterator[Case]:
    for name, value in SHAPES.items():
        for place in ("any key", "text", "statusMessage", "form", "HTML"):
            yield Case("shapes", f"{name}: {place}", value, _recorded(PLACES[place](value)))
    for name, (form, value) in IN_WORDS.items():
        for place in ("any key", "text"):
            yield Case("shapes", f"{name}: {place}", value, _recorded(PLACES[place](form.format(value))))


def _under(group: str, key: str, value: str) -> Iterator[Case]:
    tag = key.replace("-", "_")
    forms = {
        "JSON": message(json.dumps({"userData": {key: value}})),
        "form": message(sent=f"a=1&{key}={quote_plus(value)}", sent_kind=FORM),
        "multipart": message(sent=multipart(key, value), sent_kind=PARTS),
        "pair": message(json.dumps([{"name": key, "value": value}])),
        "XML": message(f"<x><{tag}>{value}</{tag}></x>", XML),
    }
    for form, exchange in forms.items():
        yield Case(group, f"{key}: {form}", value, _recorded(exchange))


def _recorded(*exchanges: Exchange) -> Recording:
    return Recording(exchanges=exchanges)


STATUS_WORDS = (
    *("Success", "OK", "Not found", "true", "false", "Failed", "Internal Server Error", "Unauthorized", "Forbidden"),
    *("Bad Request", "Request accepted", "Operation completed successfully", "Invalid parameter", "Timeout", "Done."),
    *("Session expired", "SESSION_EXPIRED", "Missing required parameter", "E1042", "200", "0", "Service unavailable"),
    *("Accepted", "Completed", "No content", "Resource not found", "Access denied", "None", "yes", "Processing"),
)
STATES = (
    *(
        "Ready",
        "NotReady",
        "AfterCallWork",
        "Busy",
        "LoggedOut",
        "Invited",
        "Chat",
        "Offline",
        "Established",
        "Ringing",
    ),
    *("Held", "Dialing", "Released", "Processing", "Revoked", "Completed", "queue", "supervisor", "system", "Consult"),
    *("2026-01-31", "2026-01-31T10:00:00Z", "not-ready", "DEFAULT"),
)
SERVICES = ("system", "admin", "default", "anonymous", "guest", "bot", "service", "unknown", "agent", "root")
OTHERS: dict[str, tuple[str, ...]] = {
    "id": (
        *("0002DaAVKJ0V0095", "00446K0L8GAC3B9R8O7GK2LAES00000D", "63630bbebf4840d7a0bffd6312bc29ff"),
        *("41cc5016-2d18-4a91-93ec-b43748948608", "t_mid.1375204041234:f31a66fb1", "1457374047909438"),
    ),
    "dispositionCode": ("Sale", "No sale", "Callback", "WRONG_NUMBER", "DISPO-17"),
    "state": STATES,
    "notificationType": ("PropertiesUpdated", "StatusChange", "NewMessages", "CallStateChanged"),
    "version": ("8.5.101.04", "1.0", "2026.11.30"),
    "createdAt": (
        "2015-09-02T15:39:22.000+0300",
        "2026-11-30 22:31:03",
        "1441197555607",
        "Mon, 30 Nov 2026 22:31:03 GMT",
    ),
    "uri": (
        *("https://gws.example.com/api/v2/me/calls/01RCC3N118B1V0SL8O7GK2LAES00000R", "http://192.168.83.25:8090/x"),
        *(
            "/api/v2/me/chats",
            "urn:uuid:41cc5016-2d18-4a91-93ec-b43748948608",
            "https://cdn.example.com/a/b.min.js?v=12",
        ),
    ),
    "mimeType": ("application/json", "text/html; charset=utf-8", "image/png", "multipart/form-data"),
    "locale": ("en-US", "de_AT", "Europe/Vienna", "UTC+2", "EUR"),
    "queue": ("Sales_EN", "VQ_Support_Tier2", "billing@queue", "RP_8001"),
    "className": ("btn btn-primary col-md-12", "RemoveParticipantFromConference2ca8f1b7", "MuiButtonBase-root-4711"),
    "fileName": ("report-2026-11.pdf", "IMG_20261130_223103.jpg", "ucs-contact-service-v12.tar.gz"),
    "etag": ('W/"5f-17c3a9e77b1"', '"33a64df551425fcc55e4d42a148795d9f25f89d4"'),
    "formula": (
        "a = b + c * (d - 10)",
        "{{ name }}",
        "%s of %d",
        "50%",
        "a&b;c",
        "C:\\new\\table",
        "#12345",
        "12,345.67",
    ),
    "color": ("#ff00aa", "rgb(10, 20, 30)"),
    "number": ("123456", "20261130", "10-20-30-40", "3.14159265", "4111111111111112", "100000000", "12 345 678"),
    "picture": ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",),
    "tokenType": ("Bearer", "bearer"),
    "help": (
        *(
            "The password is required",
            "Password is too short",
            "basic knowledge",
            "bearer instruments",
            "enter your token",
        ),
        *("see http://h:8080/a@b", "a@b", "@mention", "x = y", "5 + 3", "+1", "call us", "ask for help: today"),
    ),
}
HARMLESS_HEADERS = (
    *(("Date", "Mon, 30 Nov 2026 22:31:03 GMT"), ("Server", "nginx/1.25.3"), ("Cache-Control", "no-cache, no-store")),
    *(("ETag", '"33a64df551425fcc55e4d42a148795d9"'), ("X-CSRF-HEADER", "X-CSRF-TOKEN"), ("Vary", "Origin")),
    *(("WWW-Authenticate", 'Basic realm="gws"'), ("Access-Control-Allow-Headers", "Authorization, X-CSRF-TOKEN")),
    *(("Content-Length", "17"), ("Allow", "GET, POST"), ("X-Request-Id", "41cc5016-2d18-4a91-93ec-b43748948608")),
    *(("Strict-Transport-Security", "max-age=31536000"), ("Retry-After", "120"), ("X-Powered-By", "Express")),
)
VERBS = (
    *(
        "transfer",
        "complete",
        "send-message",
        "accept",
        "hold",
        "attach-user-data",
        "not-ready",
        "set-comment",
        "release",
    ),
    *("notifications", "interactions", "devices", "wrap-up", "chats", "settings", "conference"),
)


def harmless() -> Iterator[Case]:
    """Yield every recording that must not change."""
    words = (
        *(("words of a status", ("message", "text", "comment", "statusMessage", "result", "subject"), STATUS_WORDS),),
        *(("states and services", ("from", "to"), STATES), ("states and services", ("userName", "username"), SERVICES)),
        *(("ids, times, addresses of machines, texts", (key,), values) for key, values in OTHERS.items()),
    )
    for group, keys, values in words:
        yield from (_kept(group, key, value) for key in keys for value in values)
    for name, value in HARMLESS_HEADERS:
        yield Case("headers", name, value, _recorded(message(answered=((name, value),))))
    for verb in VERBS:
        yield Case(
            "words of the API in paths",
            verb,
            verb,
            _recorded(message(uri=f"{URL}/interactions/0002DaAVKJ0V0095/{verb}")),
        )
        comment = message(sent=json.dumps({"data": {"comment": verb}}))
        after = message(uri=f"{URL}/interactions/0002DaAVKJ0V0095/{verb}", sent=json.dumps({"data": {}}))
        yield Case(
            "words of the API in paths",
            f"{verb}, said in a comment",
            verb,
            Recording(exchanges=(after,), carried_over=(comment,)),
        )


def _kept(group: str, key: str, word: str) -> Case:
    return Case(group, f"{key}: {word}", word, _recorded(message(json.dumps({"statusCode": 0, key: word}))))


def readable(recording: Recording) -> str:
    """Return all that can be read in a recording, whatever it is encoded in."""
    texts = []
    for each in recording.exchanges:
        for headers, body in ((each.request.headers, each.request.body), (each.response.headers, each.response.body)):
            texts += [value for pair in headers.pairs for value in pair]
            texts += [body.decode(charset, "replace") for charset in ("utf-8", "latin-1", "utf-16-le")]
            texts.append(body.decode("utf-16", "replace"))
        texts += (each.request.uri, each.response.reason)
    return "\n".join(texts)


def forms_of(value: str) -> set[str]:
    """The forms in which a reader could recognise a value."""
    spelled = {
        value,
        quote(value, safe=""),
        quote_plus(value),
        html.escape(value),
        escaped(value),
        json.dumps(value)[1:-1],
    }
    spelled |= {"".join(f"%{byte:02x}" for byte in value.encode()), "".join(f"&#{ord(each)};" for each in value)}
    for before in ("", "it is ", "<< "):
        for after in ("", ", you know", " >> ??"):
            content = f"{before}{value}{after}".encode()
            spelled |= {base64.b64encode(content).decode(), base64.urlsafe_b64encode(content).decode()}
    return spelled


def is_missed(case: Case) -> bool:
    """Tell whether the value can be read in the redacted recording, in any spelling."""
    text = readable(_redacted(case))
    return any(form in text for form in forms_of(case.value))


def is_spoiled(case: Case) -> bool:
    """Tell whether anything of the recording has changed."""
    return _redacted(case).exchanges != case.recording.exchanges


def _redacted(case: Case) -> Recording:
    return Redactor(Policy(), b"the key of the corpus").recording(case.recording)


def table() -> tuple[list[str], list[str]]:
    """Return the lines of the table in docs/security.md, and what was missed or spoiled."""
    found: dict[str, list[int]] = {}
    wrong: list[str] = []
    for case in canaries():
        missed = is_missed(case)
        counts = found.setdefault(case.group, [0, 0])
        counts[missed] += 1
        wrong += [f"missed: {case.group}: {case.name}: {case.value!r}"] * missed
    kept: dict[str, list[int]] = {}
    for case in harmless():
        spoiled = is_spoiled(case)
        kept.setdefault(case.group, [0, 0])[spoiled] += 1
        wrong += [f"spoiled: {case.group}: {case.name}"] * spoiled
    lines = ["| has to go | found | missed |", "|---|--:|--:|"]
    lines += [f"| {group} | {good} | {bad} |" for group, (good, bad) in found.items()]
    lines += [f"| **all** | **{sum(g for g, _ in found.values())}** | **{sum(b for _, b in found.values())}** |", ""]
    lines += ["| has to stay | kept | spoiled |", "|---|--:|--:|"]
    lines += [f"| {group} | {good} | {bad} |" for group, (good, bad) in kept.items()]
    lines += [f"| **all** | **{sum(g for g, _ in kept.values())}** | **{sum(b for _, b in kept.values())}** |"]
    return lines, wrong


def main() -> None:
    """Print the table, and what is wrong."""
    lines, wrong = table()
    print("\n".join(lines))
    print("\n".join(wrong), file=sys.stderr)


if __name__ == "__main__":
    main()
