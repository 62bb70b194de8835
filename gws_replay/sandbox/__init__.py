"""The embedded GWS stand-in: its own reading of the API, independent of core.api."""
