"""From the proxy to the saved cassette.

Proxy process, writer process, journal on disk, streaming compile, live lines.
"""
