"""Sending a cassette's requests to a live system again: the plan, live values for recorded ones, what was not sent."""
