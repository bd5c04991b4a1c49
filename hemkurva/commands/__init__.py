"""One module per command; `hemkurva.cli` loads each when it is called, so that none slows the others."""
