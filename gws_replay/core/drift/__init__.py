"""Asking a live system a cassette's requests again: the plan, live values for recorded ones, what was not asked."""
