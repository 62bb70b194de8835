"""`gws-replay doctor`: whether this machine, and a server, are ready for a recording; each line OK or with the fix."""

import asyncio
import importlib.metadata
import importlib.util
import os
import platform
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from gws_replay.cli.options import PATH, Output, output_options, tls_options
from gws_replay.core.api import dialects as api
from gws_replay.drift.probe import Check, probe
from gws_replay.errors import GwsReplayError
from gws_replay.settings.upstream import (
    ca_of,
    check_proxy,
    check_upstream,
    credentials_for,
    proxy_for,
    server_of,
    trusting,
)
from gws_replay.storage.files import reason

_NEEDED = ("vcrpy", "pytest", "aiohttp", "deepdiff", "PyYAML", "click")
# The module that an extra brings, and what it is for.
_EXTRAS = {
    "record": ("mitmproxy", "record through a proxy"),
    "demo": ("aiocometd_ng", "run gws-replay demo"),
    "tls": ("trustme", "serve --tls"),
    "storage": ("fsspec", "read cassettes from object storage"),
    "cluster": ("distributed", "compare on a Dask cluster"),
}
_REQUIRED_EXTRAS = ("record",)
_PORT = 8080


@click.command()
@click.option("--upstream", metavar="URL", help="Also check this GWS server: TLS, whether it responds, CometD.")
@click.option("--cometd", metavar="PATH", default=api.COMETD_PATHS[0], show_default=True, help="Where its CometD is.")
@click.option("--cassettes", type=PATH, default="cassettes", show_default=True, help="The folder of the cassettes.")
@tls_options
@output_options("Only what is not in order.", "Also extras that are not installed.")
def doctor(
    *,
    output: Output,
    upstream: str | None,
    cometd: str,
    cassettes: Path,
    insecure: bool,
    upstream_ca: Path | None,
    client_cert: Path | None,
) -> int:
    """Check whether everything is ready for a recording; each line is OK, or says how to fix it.

    Looks at versions, extras, certificates, proxy variables, the folder of the cassettes and, with --upstream, the
    server. Exit code 1 if something needs a fix.
    """
    if upstream:
        check_upstream(upstream)
    checks = [
        *_versions(verbose=output.verbose),
        _folder(cassettes),
        _port(),
        _certificates(insecure=insecure, ca=upstream_ca, client_cert=client_cert),
        *_proxies(os.environ, upstream),
    ]
    if upstream and all(check.is_ok for check in checks[-2:]):
        checks += asyncio.run(_server(server_of(upstream), cometd, insecure, upstream_ca, client_cert))
    for check in checks:
        line = f"{'OK ' if check.is_ok else 'FIX'}  {check.text}{f': {check.fix}' if check.fix else ''}"
        shown = "" if check.is_ok and output.quiet else line
        output.result(shown, {"ok": check.is_ok, "text": check.text, "fix": check.fix})
    return 0 if all(check.is_ok for check in checks) else 1


def _versions(*, verbose: bool) -> Iterator[Check]:
    python = f"Python {platform.python_version()} on {platform.system()}"
    yield Check(is_ok=sys.version_info >= (3, 11), text=python, fix="")
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _NEEDED)
    yield Check(is_ok=True, text=f"gws-replay {importlib.metadata.version('gws-replay')} with {packages}")
    for extra, (module, purpose) in _EXTRAS.items():
        install = f"pip install 'gws-replay[{extra}]'"
        if importlib.util.find_spec(module):
            name = module.replace("_", "-")
            yield Check(is_ok=True, text=f"{name} {importlib.metadata.version(name)} ({purpose})")
        elif extra in _REQUIRED_EXTRAS:
            yield Check(is_ok=False, text=f"{module} is not installed, so it cannot {purpose}", fix=install)
        elif verbose:
            yield Check(is_ok=True, text=f"{module} is not installed; to {purpose}: {install}")


def _folder(folder: Path) -> Check:
    existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Check(
            is_ok=False,
            text=f"cannot write in {existing} ({reason(error)})",
            fix="change its permissions, or name another folder with --cassettes",
        )
    return Check(is_ok=True, text=f"cassettes can be written to {folder}")


def _port() -> Check:
    with socket.socket() as probe_socket:
        try:
            probe_socket.bind(("127.0.0.1", _PORT))
        except OSError:
            return Check(
                is_ok=True, text=f"port {_PORT} is taken: without a command, record needs --listen 127.0.0.1:0"
            )
    return Check(is_ok=True, text=f"port {_PORT} is free")


def _certificates(*, insecure: bool, ca: Path | None, client_cert: Path | None) -> Check:
    if insecure:
        return Check(is_ok=True, text="certificates are not verified (--insecure)")
    try:
        trusting(ca, client_cert)
    except GwsReplayError as error:
        return Check(is_ok=False, text=str(error), fix="name a file that exists, in PEM form")
    file = ca_of(ca)
    return Check(is_ok=True, text=f"certificates are verified by {file or 'the usual authorities'}")


def _proxies(environment: Mapping[str, str], upstream: str | None) -> Iterator[Check]:
    names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
    given = [name for name in names if environment.get(name) or environment.get(name.lower())]
    for name in given:
        try:
            check_proxy(environment.get(name.lower()) or environment[name])
        except GwsReplayError as error:
            yield Check(is_ok=False, text=f"{name} cannot be used", fix=str(error))
            return
    if upstream and proxy_for(server_of(upstream)):
        yield Check(is_ok=True, text=f"{server_of(upstream)} is reached through the HTTP proxy of {given[0]}")
    elif given:
        yield Check(is_ok=True, text=f"{', '.join(given)} set; NO_PROXY decides which servers are reached directly")
    else:
        yield Check(is_ok=True, text="no HTTP proxy is set: servers are reached directly")


async def _server(origin: str, cometd: str, insecure: bool, ca: Path | None, client_cert: Path | None) -> list[Check]:
    from gws_replay.drift.http_client import LiveClient, Tls

    context = None if insecure else trusting(ca, client_cert)
    credentials = credentials_for(origin)
    source = f"credentials of {credentials.source}" if credentials else "no credentials"
    return [Check(is_ok=True, text=source), *await probe(LiveClient(origin, credentials, Tls(context)), cometd)]
