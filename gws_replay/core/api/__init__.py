"""What a message means in each API: tables of channels and operations, one module per API, one dispatcher.

No other package knows a path or a field name of an API.
"""
