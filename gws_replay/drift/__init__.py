"""The live side of drift: HTTP client, CometD listener, resumable recording."""
