"""A small agent desktop for Genesys Web Services: REST with requests, notifications with aiocometd-ng."""

from agent_desktop.desktop import Desktop
from agent_desktop.rest import GwsError

__all__ = ["Desktop", "GwsError"]
