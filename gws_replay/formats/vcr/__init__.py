"""The cassette file: document, fast reader, in-place editing, line numbers."""
