"""One user's run of a cassette: which answer, which notification, when."""
