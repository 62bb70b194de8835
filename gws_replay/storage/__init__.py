"""Cassettes on disk and on object storage: load, atomic save, locks, names."""
