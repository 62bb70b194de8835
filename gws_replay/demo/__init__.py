"""The files that `gws-replay demo` lays out for people to look at and copy."""
