"""What is nobody's: words of a status, names of states and operations, names of services.

`{"message": "Not found"}` is not a message of a customer, and `{"from": "Ready", "to": "NotReady"}` are not addresses.
A text is harmless if it has no other words than these: a customer who writes nothing else has revealed nothing.
"""

import re
from functools import lru_cache

from gws_replay.core.api import dialects as api

_STATUS = """
a abort aborted accept acceptable accepted access accessible action active actively activated added after again all
allowed already an and answered any api applied are argument arguments as assigned at attempt attempted attempts
authenticated authentication authorized authorization available away back bad be because been before being body busy
but by call called can cancelled canceled cannot channel chat check closed cod code command complete completed
completing conflict connect connected connecting connection content continue could count created creation credentials
current data database default deferred deleted denied deprecated destination device devices did disabled disconnected
does done down draft duplicate during empty enabled end ended entity entry error errors event exceeded exception
execute executed execution exist existing exists expected expired external fail failed failure failures false fatal
field fields file finished for forbidden form format found from gateway gone good granted handled has have header
headers held hold id ids idle ignored implemented in inactive inbound incoming incomplete incorrect info initial
initialized input insufficient interaction internal invalid invited is issue it item items job json key keys large late
later length limit limited list loaded loading locked logged login logout lost made malformed many maximum media
message messages method methods minimum mismatch missing mode modified more moved must name network new next no none
normal not nothing notification null number object occurred of off offline ok okay on online only open opened operation
operations option or out outbound outgoing over page parameter parameters parse parsed partial passed password path
pending permanent permanently permission permissions permitted please point pong ping possible post precondition
prepared present problem proceed process processed processing progress protocol provided put query queue queued range
rate reached read ready reason received record redirect refused registered rejected released reload removed request
requested requests required reserved reset resource resources response restarted result results resumed retry return
returned revoked ringing route running saved scheduled see seconds selected send sending sent server servers service
session sessions set shutdown signed skipped some specified standby start started starting state status still stop
stopped stored submitted subscribed success successful successfully suspended syntax system talking task temporarily
temporary terminated test that the then there this throttled time timeout timed to token too transfer transferred true
try type unable unacceptable unauthenticated unauthorized unavailable undefined unexpected unknown unprocessable
unsupported until up update updated upgrade url use used user uses valid validation value values version wait waiting
warning was were while will with within work working wrap wrong xml yes you your
accepting alerting alive allocated bounced composing conference conferenced consult consulting created dialing dialling
dropped established failing forwarded inactivity inprogress invite joined left loggedin loggedout marked merged monitor
muted notready offhook onhook outgoing parked paused play playing recording recovered reconnecting recalled ring routed
routing silent transferring unmuted unheld unlocked wrapup whisper aftercallwork breaks break lunch meeting training
ivr voice email sms workitem workbin facebook twitter open media preview callback
inserted failsafe healthy unhealthy degraded maintenance typing disposition dispositions outcome reply replied deletion
updating merge refresh refreshed sync synced synchronized hangup hung unanswered declined decline abandoned notification
notifications subscription subscriptions handshake meta ack acknowledged overload overloaded backend frontend upstream
downstream proxy dns ssl tls certificate socket broken pipe memory disk full lock deadlock transaction rollback commit
schema table column row constraint violation foreign unique end eof character position line byte bytes minutes hours
days ms n na per limit quota exceeds least most than more less equal greater integer string boolean array list empty
"""
_SERVICES = """
admin administrator agent agents anonymous anybody api bot bots chatbot client customer customers daemon default demo
everyone external group guest host ivr nobody noreply none operator others public robot root router self server service
services staff supervisor supervisors support system team test tester unassigned undefined unknown urs user users
visitor webapp
"""
_NOBODY = frozenset({"unknown", "n/a", "na", "none", "null", "nil", "undefined", "anonymous", "true", "false", "empty"})
_WORDS, _SERVICE_WORDS = frozenset(_STATUS.split()), frozenset(_SERVICES.split())
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[^\W\d_]+")
_CODE = re.compile(r"-?\d{1,3}|[A-Z]{1,6}[-_]?\d{1,5}")
_DATE = re.compile(
    r"\d{4}-\d\d(?:-\d\d)?(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?|\d\d:\d\d(?::\d\d)?"
)
_MIME = re.compile(r"(?:application|audio|font|image|message|multipart|text|video)/[\w.+*-]+(?:; *charset=[\w-]+)?")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*|[a-z]+(?:[A-Z][a-z]+)+")
_LONGEST = 120
_SHORT_NUMBER = 3

# Words of the API that no name of a person may be put in place of, wherever they stand.
VOCABULARY = api.VOCABULARY | frozenset(
    {
        *api.ENVELOPES,
        *api.IDENTITIES,
        *api.USER_DATA,
        *api.PROTOCOL_KEYS,
        *("localhost", "application", "channel", "clientId", "interactions", "workspace", "settings", "contacts"),
    }
)


@lru_cache(maxsize=4096)
def is_status(text: str) -> bool:
    """Tell whether a text is no more than the words of a status, a code, a date or a kind of content."""
    text = text.strip()
    if len(text) > _LONGEST:
        return False
    if _CODE.fullmatch(text) or _DATE.fullmatch(text) or _MIME.fullmatch(text) or text in VOCABULARY:
        return True
    return _only(_WORDS | _SERVICE_WORDS, text)


@lru_cache(maxsize=4096)
def is_state(text: str) -> bool:
    """Tell whether a text is the name of a state, of a service or of a group, a date, or a kind of content."""
    text = text.strip()
    if len(text) > _LONGEST or " " in text.strip("<>"):
        return bool(_DATE.fullmatch(text)) or (len(text) <= _LONGEST and _only(_WORDS, text))
    return bool(_DATE.fullmatch(text)) or text in VOCABULARY or _only(_WORDS | _SERVICE_WORDS, text)


def is_nobody(text: str) -> bool:
    """Tell whether a text says that there is no value."""
    return text.strip().lower() in _NOBODY


def is_identifier(text: str) -> bool:
    """Tell whether a text could be a word of a protocol: `send-message`, `after_call`, `facebookSession`."""
    return bool(_IDENTIFIER.fullmatch(text)) and not re.search(r"\d", text)


def _only(words: frozenset[str], text: str) -> bool:
    found = [each.lower() for each in _WORD.findall(text)]
    is_short = all(each in words or (each.isdigit() and len(each) <= _SHORT_NUMBER) for each in found)
    return is_short and "@" not in text and not all(map(str.isdigit, found))
