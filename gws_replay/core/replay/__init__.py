"""One user's run of a cassette: which response, which notification, when."""
