"""Hemkurva: the one command line and the composition of all rooms."""
