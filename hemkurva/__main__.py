"""`python -m hemkurva` is the command line."""

from hemkurva.cli import main

main()
