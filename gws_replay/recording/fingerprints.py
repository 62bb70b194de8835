"""Edge: what shows the user of a message, in a form that may be stored."""

import hmac
import os
from functools import lru_cache

from gws_replay.core.compile.identity import redacted_evidence
from gws_replay.core.model import Evidence
from gws_replay.core.redaction.redactor import Redactor

_BYTES = 8
# Credentials repeat from request to request.
_KEPT = 1024


class Fingerprints:
    """The evidence of one recording: user names are redacted, and credentials become fingerprints.

    The key of the fingerprints is random, and never leaves the memory: nobody can test a guess with what is stored.
    """

    def __init__(self, using: Redactor, key: bytes = b"") -> None:
        """Use this key; a new one where there is none."""
        self._redactor = using
        self._key = key or os.urandom(32)
        self._fingerprint = lru_cache(_KEPT)(self._computed)

    def of(self, evidence: Evidence) -> Evidence:
        """Return evidence that may be stored; equal identities stay equal."""
        return redacted_evidence(evidence, self._redactor.user_name, self._fingerprint)

    def _computed(self, secret: str) -> str:
        return hmac.digest(self._key, secret.encode("utf-8", "surrogatepass"), "sha256")[:_BYTES].hex()
