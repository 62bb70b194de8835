"""From what was seen on the wire to a cassette: notifications split off, each with its cause."""
