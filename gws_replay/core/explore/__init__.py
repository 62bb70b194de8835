"""Pure: from one recording, every order and interruption that its causes and the protocols allow."""
