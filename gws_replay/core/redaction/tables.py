"""What is secret and what is personal in GWS traffic, as tables: by name of header, key or parameter, and by shape.

Names compare without case; `*` stands for any characters. Sources are the API pages at docs.genesys.com
(CSRFProtection, SecuredConnectionsSAMLHTCCFlow, the samples of the channels' pages) and the Workspace v3
authentication page.
"""

import re

from gws_replay.core.api import dialects as api

_CSRF_HEADERS = tuple(map(str.lower, api.CSRF_HEADERS))
SECRET_HEADERS = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "set-cookie", *_CSRF_HEADERS, "x-api-key"),
        *api.SECRET_HEADERS,
    }
)
# Headers, cookies and Bayeux fields whose values are random enough to be looked for, and replaced, elsewhere too.
# The value of any other cookie could be a common word.
UNIQUE_SECRETS = frozenset(
    {
        *("authorization", "proxy-authorization", *_CSRF_HEADERS, "x-api-key", "clientid"),
        *api.CREDENTIAL_HEADERS,
        *("jsessionid", "awselb", "awsalb", "awsalbcors", "bayeux_browser"),
        *map(str.lower, api.SESSION_COOKIES),
    }
)
# CSRFProtection: the response names the header that carries the token; its value is no secret.
CSRF_NAME_HEADERS = tuple(map(str.lower, api.CSRF_NAME_HEADERS))
# Request headers that are no secret in any client; the value of every other one is replaced.
HARMLESS_HEADERS = (
    *("accept", "accept-*", "access-control-request-*", "cache-control", "connection", "content-*", "date", "dnt"),
    *("expect", "host", "if-*", "keep-alive", "max-forwards", "origin", "pragma", "priority", "range", "referer"),
    *("save-data", "sec-*", "te", "trailer", "transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent"),
    *("x-requested-with", *CSRF_NAME_HEADERS, "x-http-method-override", *api.HARMLESS_HEADERS),
)
URL_HEADERS = frozenset({"location", "content-location", "link", "origin", "referer", "refresh"})
COOKIE_ATTRIBUTE = re.compile(
    r"\s*(?:(?:path|domain|max-age|samesite|version)=[^,\s]*|expires=[\w, :+-]*|httponly|secure|partitioned)\s*",
    re.IGNORECASE,
)
# Fields of a Bayeux message (not of what it carries): the session's id, and what some deployments put credentials in.
BAYEUX_SECRETS = frozenset({"clientId", "ext"})

# Keys of bodies and parameters of URLs and forms.
SECRET_KEYS = (
    *("*password", "*passwd", "*passphrase", "pwd", "*secret", "*token", "*apikey", "*api_key", "*api-key"),
    *("authorization", "credentials", "assertion", "samlresponse", "samlrequest", "relaystate", "code_verifier"),
    *(*api.SECRET_KEYS, *map(str.lower, api.SESSION_COOKIES), "*private_key"),
    *("cvv", "cvc"),
)
# Parameters that are secret in URLs and forms only: OAuth 2.0, RFC 6749. In JSON `code` is often a number of an error.
SECRET_PARAMETERS = frozenset({"code"})
# Likewise; and the collections in whose addresses the id of a person follows.
PERSONAL_PARAMETERS = frozenset({"name", "q", "search", "searchterm"})
PERSONAL_COLLECTIONS = frozenset({"contacts"})

# userData (the samples of all channels), and elsewhere: participants, messages, comments, calls, /me.
PERSONAL_KEYS = (
    *("firstname", "lastname", "middlename", "fullname", "displayname", "username", "nickname"),
    *("*emailaddress", "email", "e-mail", "fromaddress", "frompersonal", "from", "to", "cc", "bcc", "replyto"),
    *("mailbox", "subject", "text", "comment", "message", "accountnumber"),
    *("*phonenumber", "phone", "callernumber", "calleridnumber"),
    *api.PERSONAL_KEYS,
    *("address", "street", "birthdate", "birthday", "dateofbirth", "cardnumber", "iban", "ssn"),
)
# Keys whose values are the protocol's own words: nothing that was found elsewhere is looked for in them.
PROTOCOL_KEYS = frozenset(
    {
        *api.PROTOCOL_KEYS,
        *("channel", "subscription", "connectionType", "supportedConnectionTypes"),
        *("reconnect", "version", "minimumVersion"),
    }
)

# What one of these is in, in lower case, may be of a shape below: only then is it looked at for them.
SECRET_HINTS = re.compile(
    r"eyj|akia|asia|-----begin|gh[pousr]_|github_pat_|xox|gr134|gl\w+-|npm_|pypi-|sg\.|k_live_|sk-|sq0|akc|-us|hooks\.slack"
    r"|accountkey=|bearer|basic|://|jsessionid|password|passwd=|pwd=|token=|secret=|secret_key=|api[_-]?key="
)
SECRET_SHAPES = {
    "jwt": r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*",
    "aws-key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "private-key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    "api-token": r"\b(?:gh[pousr]_\w{36,}|github_pat_\w{22,}|xox[abeoprs]-[\w-]{10,}|GR1348941[\w-]{20,}"
    r"|gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent)-[\w-]{20,}|npm_\w{36}|pypi-[\w-]{60,}|SG\.[\w-]{22}\.[\w-]{43}"
    r"|[rs]k_live_\w{16,}|sk-[\w-]{32,}|sq0[a-z]{3}-[\w-]{22,}|AKC\w{60,}|[0-9a-z]{32}-us\d{1,2}\b)"
    r"|(?<=hooks\.slack\.com/services/)[\w/]+|(?<=AccountKey=)[\w+/=]{40,}",
    "authorization": r"(?i:(?<=\bBearer )|(?<=\bBasic )|(?<=\bBearer%20)|(?<=\bBasic%20))[\w.~+/=%-]{8,}",
    "userinfo": r"(?<=://)[^/\s<>@\"]{1,99}:[^/\s<>\"]{1,99}(?=@)",
    "jsessionid": r"(?i:(?<=jsessionid=)|(?<=jsessionid:))[^\s/?;#&<>\"',]+",
    "password": r"(?i:(?<=password=)|(?<=password: )|(?<=password is )|(?<=passwd=)|(?<=pwd=))[^\s&;<>\"']+",
    "token": r"(?i:(?<=access_token=)|(?<=refresh_token=)|(?<=id_token=)|(?<=_authToken=)|(?<=secret=)|(?<=secret_key=)"
    r"|(?<=apikey=)|(?<=api_key=)|(?<=api-key=))[^\s&;<>\"']+",
}
# No shorter text is looked at for the shapes below.
LONG = 32
LONG_SECRET_SHAPES = {
    "service-token": r"\b(?:(?:AC|SK)[0-9a-f]{32}\b|\d{8,10}:[\w-]{35}(?![\w-])"
    r"|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,})",
    # What no person typed: both cases and digits, and no word in it. Ids of GWS are of one case or hexadecimal, so
    # that a hexadecimal key can be found by its name only.
    "random": r"(?<![\w+/=-])(?=[\w+=-]{0,99}[a-z])(?=[\w+=-]{0,99}[A-Z])(?=[\w+=-]{0,99}\d)"
    r"(?![\w+=-]{0,199}(?:[A-Z]{7}|[a-z]{7}))[\w+-]{32,200}={0,2}(?![\w+/=-])",
}
# Telephone numbers need their plus, brackets, or dashes: digits alone are more often ids and times. Card numbers are
# those of the great networks, and are checked by Luhn's formula (ISO/IEC 7812).
PERSONAL_SHAPES = {
    "e-mail": r"(?<![\w.+%-])[\w.+%-]++@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,61}[^\W_])(?![\w@])",
    "phone": r"(?<![\w+])\+[1-9](?:[ ./()-]{0,2}\d){6,14}(?![\w])|(?<![\w.-])\(?[2-9]\d\d\)?[ -]\d{3}-\d{4}(?![\w.-])",
    "card": r"(?<![\w.-])(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|3[47]\d\d|3[068]\d\d|35\d\d|6(?:011|[245]\d\d))"
    r"(?:[ -]?\d){10,15}(?![\w.-])",
}
# RFC 2606 and 6761: nobody has an address there.
RESERVED_DOMAIN = re.compile(r"(?i)(?:^|\.)(?:example|test|invalid|localhost|example\.(?:com|net|org))$")


def luhn(number: str) -> bool:
    """Tell whether the digits of a number have the check digit of a card's."""
    digits = [int(each) for each in reversed(number) if each.isdigit()]
    return sum(digits[::2] + [sum(divmod(2 * each, 10)) for each in digits[1::2]]) % 10 == 0
