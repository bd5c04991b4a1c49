"""Decoders, readings, virtual devices."""
