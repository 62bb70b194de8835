"""What is secret and what is personal in GWS traffic, as tables: by name of header, key or parameter.

Header names compare without case; keys also without `_`, `-`, dots, brackets and spaces (`first_name` is
`FirstName`); `*` stands
for any characters. Sources are the API pages at docs.genesys.com (CSRFProtection, SecuredConnectionsSAMLHTCCFlow, the
samples of the channels' pages) and the Workspace v3 authentication page.
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
# CSRFProtection: the response names the header that carries the token; its value is not a secret.
CSRF_NAME_HEADERS = tuple(map(str.lower, api.CSRF_NAME_HEADERS))
# The same by a part of their name, in requests and responses.
SECRET_HEADER_PARTS = (
    *("*token", "*token-*", "*auth", "x-auth*", "*authorization", "*api-key", "*apikey", "*access-key*", "*secret*"),
    *("*session", "*session-id", "*sessionid", "*csrf*", "*xsrf*", "*password*", "*credential*", "*signature", "*jwt*"),
)
# Their values are names of headers and of ways to authenticate.
HARMLESS_RESPONSE_HEADERS = (*CSRF_NAME_HEADERS, "x-xsrf-header", "*-authenticate", "access-control-*")
# Headers, cookies and Bayeux fields whose values are random enough to be looked for, and replaced, elsewhere too.
# Of any other, a value is looked for only if it looks random: it could be a common word.
UNIQUE_SECRETS = frozenset(
    {
        *("authorization", "proxy-authorization", *_CSRF_HEADERS, "x-api-key", "clientid"),
        *api.CREDENTIAL_HEADERS,
        *("jsessionid", "awselb", "awsalb", "awsalbcors", "bayeux_browser"),
        *map(str.lower, api.SESSION_COOKIES),
    }
)
# Request headers that are not secret in any client; the value of every other one is replaced.
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

# Keys of bodies and parameters of URLs and forms, without case and `_`, `-`, dots and spaces.
SECRET_KEYS = (
    *("*password", "*passwd", "*passwort", "*passphrase", "*passcode", "pwd", "*secret", "*token", "*apikey"),
    *("*secretkey", "*accesskey", "*accesskeyid", "*privatekey", "*sharedkey", "*signingkey", "*encryptionkey"),
    *("authorization", "credentials", "assertion", "samlresponse", "samlrequest", "relaystate", "codeverifier"),
    *(*api.SECRET_KEYS, *(name.replace("_", "").lower() for name in api.SESSION_COOKIES)),
    *("cvv", "cvv2", "cvc", "*otp", "otpcode", "*onetimepassword", "*onetimecode", "*verificationcode", "mfacode"),
    *("pin", "pincode", "puk"),
)
# The values of these are looked for from four characters on: people choose them, and they are short.
PASSWORD_KEYS = (
    "*password",
    "*passwd",
    "*passwort",
    "*passphrase",
    "*passcode",
    "pwd",
    "*secret",
    "*otp",
    "otpcode",
    "pin",
)
# Parameters that are secret in URLs and forms only: OAuth 2.0, RFC 6749. In JSON `code` is often a number of an error.
SECRET_PARAMETERS = frozenset({"code"})
# Likewise; and the collections in whose addresses the id of a person follows.
PERSONAL_PARAMETERS = frozenset({"name", "q", "search", "searchterm"})
PERSONAL_COLLECTIONS = frozenset({"contacts"})

# userData (the samples of all channels), and elsewhere: participants, messages, comments, calls, /me.
PERSONAL_KEYS = (
    *("*firstname", "*lastname", "*middlename", "*fullname", "*displayname", "*username", "nickname", "*surname"),
    *("*givenname", "*familyname", "*maidenname", "*customername", "*callername", "*contactname", "*personname"),
    *("*emailaddress", "*email", "emails", "fromaddress", "frompersonal", "from", "to", "cc", "bcc", "replyto"),
    *("mailbox", "subject", "text", "comment", "comments", "message", "accountnumber"),
    *("body", "content", "htmltext", "plaintext", "structuredtext", "htmlbody", "textbody", "bodytext", "bodyhtml"),
    *("*phonenumber", "*phone", "*phoneno", "*phones", "*telephone", "*telephonenumber", "mobile", "mobilenumber"),
    *("*mobile", "cell", "cellnumber", "*fax", "*faxnumber", "callernumber", "calleridnumber", "callerid"),
    *(name.replace("_", "") for name in api.PERSONAL_KEYS),
    *("address", "addressline*", "*homeaddress", "*postaladdress", "*mailingaddress", "*billingaddress"),
    *("*shippingaddress", "*deliveryaddress", "*streetaddress", "street", "streetname", "zipcode", "postalcode"),
    *("postcode", "dob", "*birthdate", "*birthday", "*dateofbirth", "*birthplace", "*placeofbirth"),
    *("cardnumber", "creditcard", "creditcardnumber", "*iban", "ssn", "socialsecuritynumber", "passportnumber"),
    *("nationalid", "taxid", "driverslicense", "calleridname", "*patientname", "*clientname", "*membername"),
    *("*ownername", "*holdername", "*accountholder", "*recipientname", "*sendername", "birth*", "dob*"),
    *(f"{name}{number}" for name in ("phone", "mobile", "email", "address", "street") for number in (1, 2, 3)),
    *(f"phone{where}" for where in ("home", "work", "mobile", "office", "private")),
    *(f"email{where}" for where in ("home", "work", "private")),
)
# Of these, what is no more than words of a status (see `harmless_words`) is nobody's.
TEXT_KEYS = frozenset(
    {
        *("text", "comment", "comments", "message", "subject", "body", "content", "htmltext", "plaintext"),
        *("structuredtext", "htmlbody", "textbody", "bodytext", "bodyhtml", "ownerinformation"),
    }
)
RANGE_KEYS = frozenset({"from", "to"})
STATE_KEYS = frozenset({"from", "to", "cc", "bcc", "replyto", "username", "nickname", "displayname", "mailbox"})
# Pairs such as {"name": "password", "value": "..."}: the keys that hold a name, and those that hold its value.
PAIR_NAMES = frozenset({"key", "name", "field", "fieldname", "attribute", "property", "param", "parameter", "label"})
PAIR_VALUES = frozenset({"value", "val", "values"})
# Keys whose values are words of the protocol: they are not personal because what is around them is.
PROTOCOL_KEYS = frozenset(
    {
        *api.PROTOCOL_KEYS,
        *("channel", "subscription", "connectionType", "supportedConnectionTypes"),
        *("reconnect", "version", "minimumVersion"),
    }
)
# Elements and attributes of HTML that are called as a personal key is.
HTML_NAMES = frozenset({"address", "body", "content", "from", "label", "name", "text", "title", "to", "value", "cell"})
_SEPARATORS = re.compile(r"[\s_.\[\]\-]+")


def normalised(key: str) -> str:
    """Return the name of a key as the tables spell it: `first_name` and `First-Name` are `firstname`."""
    return key.lower() if key.isalnum() else _SEPARATORS.sub("", key).lower()
