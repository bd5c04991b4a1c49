"""The contract on the wire: what a gateway sends, and what the server answers. Pure, no I/O."""
