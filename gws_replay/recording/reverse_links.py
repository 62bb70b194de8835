"""What the reverse proxy changes so that a client can go on through it: addresses of the server, cookies, two headers.

The server's address in a response becomes the proxy's, and the proxy's in a request the server's. userData is never
changed. Cookies lose what ties them to the server's name or, on plain HTTP, to TLS. Nothing else is touched.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import urlsplit

from gws_replay.core.api import dialects as api
from gws_replay.core.lossless_json import LEXEME
from gws_replay.settings.upstream import server_of

Fields = tuple[tuple[bytes, bytes], ...]
# They would lead a browser past the proxy, and outlive it.
_DROPPED = frozenset({b"strict-transport-security", b"alt-svc"})
_TEXT = re.compile(r"(?i)(text/|application/([\w.+-]*\+)?(json|javascript|x-javascript|xml|ecmascript|x-www-form))")
# What the Host field of a client may be.
_HOST = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?", re.ASCII)
_NO_MORE_HOST = r"(?![\w.:-]|%3A\d)"
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_USER_DATA = frozenset(f'"{name}"' for name in api.USER_DATA)
_PREFIXES = (b"__host-", b"__secure-")


@dataclass(frozen=True)
class ReverseLinks:
    """The addresses of the server, and of the proxy as its client names it (scheme, host and port each)."""

    server: str
    proxy: str
    aliases: tuple[str, ...] = ()  # other names of the proxy

    def response_fields(self, fields: Fields, *, is_browser: bool) -> Fields:
        """Return the header fields of a response as the client gets them."""
        return tuple(
            (name, self._cookie(value, is_browser) if name.lower() == b"set-cookie" else self._to_proxy.in_bytes(value))
            for name, value in fields
            if name.lower() not in _DROPPED
        )

    def request_fields(self, fields: Fields) -> Fields:
        """Return the header fields of a request as the server gets them."""
        return tuple(
            (name, value if name.lower() == b"host" else self._to_server.in_bytes(value)) for name, value in fields
        )

    def response_body(self, body: bytes, content_type: str) -> bytes:
        """Return a body as the client gets it."""
        return self._to_proxy.in_body(body) if _TEXT.match(content_type) else body

    def request_body(self, body: bytes, content_type: str) -> bytes:
        """Return a body as the server gets it."""
        return self._to_server.in_body(body) if _TEXT.match(content_type) else body

    def message(self, content: bytes, *, from_client: bool) -> bytes:
        """Return a WebSocket text message as the other side gets it."""
        return (self._to_server if from_client else self._to_proxy).in_body(content)

    @cached_property
    def _to_proxy(self) -> "_Addresses":
        return _Addresses((self.server, self.server.replace("http", "ws", 1)), self.proxy)

    @cached_property
    def _to_server(self) -> "_Addresses":
        own = (self.proxy, *self.aliases)
        return _Addresses((*own, *(each.replace("http", "ws", 1) for each in own)), self.server)

    def _cookie(self, value: bytes, is_browser: bool) -> bytes:
        """Return a Set-Cookie value for the proxy's address.

        Browsers take Secure cookies from http://localhost, and refuse `__Host-` and `__Secure-` ones without it.
        """
        is_plain = self.proxy.startswith("http:")
        keeps_secure = not is_plain or (is_browser and value.lower().lstrip().startswith(_PREFIXES))
        kept = [part for part in value.split(b";") if not _is_dropped(part, keeps_secure=keeps_secure)]
        return b";".join(kept)


def _is_dropped(attribute: bytes, *, keeps_secure: bool) -> bool:
    name, _, value = attribute.strip().lower().partition(b"=")
    if name == b"domain":
        return True
    # SameSite=None without Secure is refused by browsers.
    is_secure = name in (b"secure", b"partitioned") or (name == b"samesite" and value.strip() == b"none")
    return is_secure and not keeps_secure


@lru_cache(maxsize=16)
def links_between(
    server_scheme: str, server: tuple[str, int], scheme: str, own: tuple[str, int], named: str
) -> ReverseLinks:
    """Return the links of a proxy by where it listens, and by what its client calls it (empty: nobody knows)."""
    host, port = own
    names = (
        ("localhost", "127.0.0.1", "[::1]") if host in ("127.0.0.1", "::1") else (f"[{host}]" if ":" in host else host,)
    )
    listed = [server_of(f"{scheme}://{name}:{port}") for name in names]
    first = [server_of(f"{scheme}://{named}")] if _HOST.fullmatch(named) else []
    addresses = list(dict.fromkeys([*first, *listed]))
    address = f"[{server[0]}]" if ":" in server[0] else server[0]
    return ReverseLinks(server_of(f"{server_scheme}://{address}:{server[1]}"), addresses[0], tuple(addresses[1:]))


class _Addresses:
    """Replaces the addresses `old` (each also with escaped slashes, or percent-encoded) by `new`."""

    def __init__(self, old: Iterable[str], new: str) -> None:
        addresses = tuple(old)
        self._web, self._socket = new, new.replace("http", "ws", 1)
        spelled = sorted({form for each in addresses for form in _forms(each)}, key=len, reverse=True)
        self._pattern = re.compile(f"(?i)(?:{'|'.join(map(re.escape, spelled))}){_NO_MORE_HOST}")
        # Searching for a name is far faster than the pattern, and most bodies hold none of them.
        self._hosts = {(urlsplit(each).hostname or "").lower().encode() for each in addresses}

    def in_bytes(self, value: bytes) -> bytes:
        """Replace the addresses in bytes of any charset."""
        lowered = value.lower()
        if not any(host in lowered for host in self._hosts):
            return value
        return self._in_text(value.decode("latin-1")).encode("latin-1")

    def in_body(self, body: bytes) -> bytes:
        """Replace the addresses in a body, but for what stands inside userData."""
        lowered = body.lower()
        if not any(host in lowered for host in self._hosts):
            return body
        text = body.decode("latin-1")
        if not self._pattern.search(text):
            return body
        if not any(key.encode() in body for key in _USER_DATA):
            return self._in_text(text).encode("latin-1")
        return "".join(self._outside_user_data(text)).encode("latin-1")

    def _in_text(self, text: str) -> str:
        return self._pattern.sub(self._new, text)

    def _new(self, found: "re.Match[str]") -> str:
        new = self._socket if found[0][:2].lower() == "ws" else self._web
        if "\\/" in found[0]:
            return new.replace("/", "\\/")
        return new.replace(":", "%3A").replace("/", "%2F") if "%2" in found[0] else new

    def _outside_user_data(self, text: str) -> Iterator[str]:
        depth, inside, end, key = 0, 0, 0, ""
        for match in LEXEME.finditer(text):
            lexeme = match[0]
            yield text[end : match.start()]
            end = match.end()
            if lexeme in "{[":
                depth += 1
                inside = inside or (depth if key in _USER_DATA else 0)
            elif lexeme in "}]":
                inside = 0 if inside == depth else inside
                depth -= 1
            yield lexeme if inside else self._in_text(lexeme)
            if lexeme != ":":
                key = lexeme
        yield text[end:]


def _forms(address: str) -> Iterator[str]:
    """Yield the spellings of an address: with the default port, with escaped slashes, percent-encoded."""
    parts = urlsplit(address)
    port = _DEFAULT_PORTS[parts.scheme]
    bare = address.removesuffix(f":{port}")
    for each in (address, bare, f"{bare}:{port}") if parts.port in (None, port) else (address,):
        yield from (each, each.replace("/", "\\/"), each.replace(":", "%3A").replace("/", "%2F"))
