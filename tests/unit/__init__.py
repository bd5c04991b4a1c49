"""Pure parts, tested with plain values."""
