"""From the proxy to the saved cassette: proxy process, writer process, journal on disk, streaming compile, live lines."""
