"""What a decoder says when bytes are not what their characteristic promises."""

from __future__ import annotations


class DecodeError(ValueError):
    """A frame cannot be read as its characteristic. The message says what was expected and what came."""


def need(frame: bytes, length: int, what: str) -> None:
    """Raise DecodeError unless the frame has `length` bytes or more; `what` names the field ending there."""
    if len(frame) < length:
        raise DecodeError(f"truncated: {what} would end at byte {length}, but the frame has {len(frame)}")


def need_exactly(frame: bytes, length: int, what: str) -> None:
    """Raise DecodeError unless the frame has exactly `length` bytes, for formats of fixed size."""
    if len(frame) != length:
        raise DecodeError(f"{what} has exactly {length} bytes, but the frame has {len(frame)}")
