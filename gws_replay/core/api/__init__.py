"""The APIs: one module with tables for each, a registry of them, and functions that read the messages of any.

No other package knows a path or a field of an API.
"""
