"""`hemkurva decode`: what a Bluetooth frame says, as JSON, for people with a log or a strange device."""

from __future__ import annotations

import sys
from typing import BinaryIO

import click
import msgspec

from devices.errors import DecodeError
from devices.registry import characteristics
from devices.registry import decode as decode_frame

LONGEST_HEX = 1024
"""Hexadecimal digits: a Bluetooth attribute has at most 512 bytes."""


class Line(msgspec.Struct):
    """One line of `--jsonl` input."""

    characteristic: str
    hex: str
    device_name: str | None = None


class Decoded(msgspec.Struct):
    """A line of output for a frame that could be read."""

    ok: bool
    values: msgspec.Raw


class Refused(msgspec.Struct):
    """A line of output for a frame, or a line, that could not."""

    ok: bool
    error: str


class UnreadableError(click.ClickException):
    """A frame that cannot be read ends the command with code 2, like any other wrong argument."""

    exit_code = 2


_line_decoder = msgspec.json.Decoder(Line)


def from_hex(text: str) -> bytes:
    """Return the bytes that a text of hexadecimal digits spells; blanks, '-', ':' and a leading 0x may stand.

    Raises DecodeError for anything else.
    """
    digits = "".join(text.split()).replace(":", "").replace("-", "").removeprefix("0x").removeprefix("0X")
    if len(digits) > LONGEST_HEX:
        raise DecodeError(f"{len(digits)} hexadecimal digits; a Bluetooth value has at most {LONGEST_HEX}")
    if len(digits) % 2:
        raise DecodeError(f"{len(digits)} hexadecimal digits; bytes take two each, so one is missing")
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise DecodeError("not hexadecimal: only 0-9 and a-f spell bytes") from error


def values_of(characteristic: str, text: str, device_name: str | None = None) -> bytes:
    """Return the values of a frame as JSON bytes. Raises DecodeError."""
    return msgspec.json.encode(decode_frame(characteristic, from_hex(text), device_name))


def answer(line: bytes) -> bytes:
    """Return the one line of JSON that answers one line of input, whatever is in it."""
    try:
        item = _line_decoder.decode(line)
        result = Decoded(True, msgspec.Raw(values_of(item.characteristic, item.hex, item.device_name)))
    except DecodeError as error:
        return msgspec.json.encode(Refused(False, str(error)))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        return msgspec.json.encode(Refused(False, f"this line is not {{characteristic, hex}}: {error}"))
    return msgspec.json.encode(result)


def stream(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer each line of input with one line of output, at once."""
    for line in source:
        sink.write(answer(line) + b"\n")
        sink.flush()


@click.command()
@click.argument("characteristic", required=False)
@click.argument("hexadecimal", metavar="HEX", required=False)
@click.option("--device-name", help="The name that the device advertises, for the quirks of its model.")
@click.option("--jsonl", is_flag=True, help="Read lines {characteristic, hex, device_name} from stdin.")
def decode(characteristic: str | None, hexadecimal: str | None, device_name: str | None, jsonl: bool) -> None:
    """Print what a frame of a Bluetooth characteristic says, as JSON.

    Example: hemkurva decode 2A9D 00b036
    """
    if jsonl:
        if characteristic is not None:
            raise click.UsageError("--jsonl reads frames from stdin: leave out CHARACTERISTIC and HEX.")
        stream(sys.stdin.buffer, sys.stdout.buffer)
        return
    if characteristic is None or hexadecimal is None:
        known = ", ".join(characteristics())
        raise click.UsageError(f"Give CHARACTERISTIC (one of {known}) and HEX, or --jsonl.")
    try:
        click.echo(values_of(characteristic, hexadecimal, device_name).decode())
    except DecodeError as error:
        raise UnreadableError(str(error)) from error
