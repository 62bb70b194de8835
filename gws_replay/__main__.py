"""`python -m gws_replay`: the command line, where its script is not on the path."""

from gws_replay.cli import main

main()
