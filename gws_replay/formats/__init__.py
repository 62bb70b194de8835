"""Text and bytes to values and back: cassettes, journals, HAR files and mitmproxy flows."""
