"""Each module named for an API is registered. (tests/test_third_api.py adds one.)"""

import re

import pytest

from gws_replay.core.api.registry import APIS, FALLBACK
from gws_replay.core.api.schema import Api


def test_apis_have_names_of_their_own() -> None:
    """They stand in the headers of cassettes."""
    assert ["gws-v2", "workspace-v3"] == [api.name for api in APIS]


def test_one_api_reads_what_no_other_recognises() -> None:
    """It is the first."""
    assert [FALLBACK] == [api for api in APIS if api.fallback]
    assert APIS[0] is FALLBACK


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_paths_of_an_api_begin_with_its_root(api: Api) -> None:
    """The pattern that finds a deployment's own prefix finds the start of each path."""
    for path in (*api.paths, api.cometd):
        assert re.match(api.root, path)
    assert any(part in f"{api.cometd}/" for part in api.paths)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_words_of_redaction_are_in_lower_case(api: Api) -> None:
    """They are compared without case."""
    words = (*api.secret_headers, *api.secret_keys, *api.personal_keys, *api.credential_headers, *api.harmless_headers)
    assert [] == [word for word in words if word != word.lower()]


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_error_body_is_a_refusal_of_the_api(api: Api) -> None:
    """A client of the API reads it as an error."""
    body = api.error_body("why")
    assert "why" in str(body)
    assert (True, "refused") == (api.is_response(body), api.taken(body))
