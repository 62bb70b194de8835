"""`agent-desktop SESSION KEY=VALUE...`: update a session's userData from a script."""

import asyncio
import os
import sys

from agent_desktop.desktop import Desktop


async def update(session_id: str, userdata: dict[str, str]) -> None:
    """Log in, update, and print what GWS tells of."""
    url, user, password = (os.environ[name] for name in ("GWS_URL", "GWS_USER", "GWS_PASSWORD"))
    async with Desktop(url, user, password) as desktop:
        shown = await desktop.update_userdata(session_id, userdata)
    for key in userdata:
        sys.stdout.write(f"{key}={shown[key]}\n")


def main() -> None:
    """Read the command line."""
    session_id, *pairs = sys.argv[1:]
    asyncio.run(update(session_id, dict(pair.split("=", 1) for pair in pairs)))


if __name__ == "__main__":
    main()
