"""Runs of cassettes with a clock and locks: user sessions, held polls, unplayed items, expectations."""
