"""An agent's commands, obeyed through each HTTP library with CometD by hand, and by a page in a real browser."""

import asyncio
import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import requests

from tests.support.comet_clients import basic
from tests.support.comet_sessions import Command, Event, response_event
from tests.support.proxies import PATIENCE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
COMETD_JS = Path(__file__).parents[1] / "js" / "node_modules" / "cometd"
Send = Callable[[str, str, Mapping[str, str], str], tuple[int, Mapping[str, str], str]]


@contextmanager
def _requests(proxy: str | None, ca: str | None) -> Iterator[Send]:
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"http": proxy, "https": proxy} if proxy else {}
        session.verify = ca or True

        def send(method: str, url: str, fields: Mapping[str, str], body: str) -> tuple[int, Mapping[str, str], str]:
            got = session.request(method, url, headers=fields, data=body or None, timeout=PATIENCE)
            return got.status_code, got.headers, got.text

        yield send


@contextmanager
def _httpx(proxy: str | None, ca: str | None) -> Iterator[Send]:
    verify = ssl.create_default_context(cafile=ca)
    with httpx.Client(proxy=proxy, verify=verify, trust_env=False, follow_redirects=True, timeout=PATIENCE) as client:

        def send(method: str, url: str, fields: Mapping[str, str], body: str) -> tuple[int, Mapping[str, str], str]:
            got = client.request(method, url, headers=fields, content=body or None)
            return got.status_code, got.headers, got.text

        yield send


@contextmanager
def _aiohttp(proxy: str | None, ca: str | None) -> Iterator[Send]:
    context = ssl.create_default_context(cafile=ca)

    async def opened() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    with asyncio.Runner() as runner:
        session = runner.run(opened())

        def send(method: str, url: str, fields: Mapping[str, str], body: str) -> tuple[int, Mapping[str, str], str]:
            async def sent() -> tuple[int, Mapping[str, str], str]:
                options = {"headers": fields, "data": body or None, "proxy": proxy, "ssl": context}
                async with session.request(method, url, **options) as got:  # type: ignore[arg-type]
                    return got.status, got.headers, await got.text()

            return runner.run(sent())

        try:
            yield send
        finally:
            runner.run(session.close())


LIBRARIES = {"requests": _requests, "httpx": _httpx, "aiohttp": _aiohttp}


def by_library(
    name: str, url: str, cometd: str, commands: Sequence[Command], *, proxy: str | None = None, ca: str | None = None
) -> list[Event]:
    """Obey commands through a library, and return what was seen."""
    headers = {"Authorization": basic("agent1"), "Content-Type": "application/json"}
    events: list[Event] = []
    client: dict[str, Any] = {}
    with LIBRARIES[name](proxy, ca) as send:

        def bayeux(channel: str, **fields: Any) -> list[Any]:
            message = {"channel": channel, "id": "1", **client, **fields}
            status, _, text = send("POST", url + cometd, headers, json.dumps([message]))
            assert 200 == status, text
            replies: list[Any] = json.loads(text)
            events.extend(
                Event("notification", each["channel"], each["data"])
                for each in replies
                if not each["channel"].startswith("/meta/")
            )
            return replies

        for command in commands:
            if command["do"] == "comet":
                kinds = {"supportedConnectionTypes": ["long-polling"]}
                (shaken,) = bayeux("/meta/handshake", version="1.0", **kinds)
                client |= {"clientId": shaken["clientId"]}
                for channel in command["subscriptions"]:
                    bayeux("/meta/subscribe", subscription=channel)
                bayeux("/meta/connect", connectionType="long-polling", advice={"timeout": 0})
            elif command["do"] == "wait":
                until = time.monotonic() + PATIENCE
                while sum(each.kind == "notification" for each in events) < command["count"]:
                    assert time.monotonic() < until, events
                    bayeux("/meta/connect", connectionType="long-polling")
            else:
                status, fields, text = send(command["method"], url + command["path"], headers, command["body"])
                events.append(response_event(status, text))
                if named := fields.get("X-CSRF-HEADER"):
                    headers[named] = fields[named]
    return events


PAGE = """<!doctype html><script type="module">
import {CometD} from "/cometd/cometd.js";
const commands = %(commands)s, events = [], headers = {Authorization: "%(basic)s"};
const cometd = new CometD();
for (const each of cometd.getTransportTypes()) if (each !== "%(transport)s") cometd.unregisterTransport(each);
let seen = 0, changed = () => {};
const run = {
  comet: ({subscriptions}) => new Promise(resolve => {
    cometd.configure({url: location.origin + "%(cometd)s", requestHeaders: headers, useWorkerScheduler: false});
    let connected;
    const listener = cometd.addListener("/meta/connect", message => {
      if (!message.successful) return;
      cometd.removeListener(listener);
      subscriptions.forEach(channel => cometd.subscribe(channel, message => {
        events.push(["notification", message.channel, message.data]); seen += 1; changed();
      }, resolve));
    });
    cometd.handshake();
  }),
  wait: async ({count}) => { while (seen < count) await new Promise(resolve => { changed = resolve; }); },
  rest: async ({method, path, body}) => {
    const fields = {...headers, ...(body ? {"Content-Type": "application/json"} : {})};
    const got = await fetch(path, {method, body: body || undefined, headers: fields});
    const name = got.headers.get("X-CSRF-HEADER");
    if (name) headers[name] = got.headers.get(name);
    events.push(["answer", got.status, await got.text()]);
  },
};
const send = body => fetch("/done", {method: "POST", body: JSON.stringify(body)});
try {
  for (const command of commands) await run[command.do](command);
  send({events, port: location.port});
} catch (error) { send({error: String(error)}); }
</script>"""


def page(cometd: str, transport: str, commands: Sequence[Command]) -> Callable[[str], bytes | None]:
    """Return what a server serves at /page, and the script of npm's cometd."""
    text = PAGE
    values = {"commands": json.dumps(commands), "basic": basic("agent1"), "transport": transport, "cometd": cometd}
    for name, value in values.items():
        text = text.replace(f"%({name})s", value)

    def served(path: str) -> bytes | None:
        if path == "/page":
            return text.encode()
        return (COMETD_JS / Path(path).name).read_bytes() if path.startswith("/cometd/") else None

    return served


@contextmanager
def browsing(url: str, folder: Path, *options: str) -> Iterator[None]:
    """A headless Chromium at an address, until the block ends."""
    fixed = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder}")
    command = [str(CHROMIUM), *fixed, *options, url]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            yield
        finally:
            browser.kill()
