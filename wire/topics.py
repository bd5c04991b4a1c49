"""MQTT topics, one branch per gateway: `hemkurva/v1/{gateway_id}/{channel}`. No personal identity in them."""

from __future__ import annotations

import re
from enum import StrEnum

ROOT = "hemkurva/v1"
GATEWAY_ID = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")


class Channel(StrEnum):
    """Readings and status go up; receipts and config come down."""

    READINGS = "readings"
    RECEIPTS = "receipts"
    STATUS = "status"
    CONFIG = "config"


class TopicError(ValueError):
    """The topic or gateway id is not of the form `hemkurva/v1/{gateway_id}/{channel}`."""


def topic(gateway_id: str, channel: Channel) -> str:
    """Return the topic of a gateway's channel. Raises TopicError for an id that could escape its branch."""
    if not GATEWAY_ID.fullmatch(gateway_id):
        raise TopicError(
            f"gateway id {gateway_id!r} must be 3-63 of a-z, 0-9 and '-', starting with a letter or digit"
        )
    return f"{ROOT}/{gateway_id}/{channel}"


def any_gateway(channel: Channel) -> str:
    """Return the subscription filter for one channel of every gateway."""
    return f"{ROOT}/+/{channel}"


def parse(name: str) -> tuple[str, Channel]:
    """Return (gateway id, channel) of a topic. Raises TopicError if it is not one of ours."""
    parts = name.split("/")
    if len(parts) != 4 or "/".join(parts[:2]) != ROOT or not GATEWAY_ID.fullmatch(parts[2]):
        raise TopicError(f"not a topic of this service: {name!r}")
    try:
        return parts[2], Channel(parts[3])
    except ValueError as error:
        raise TopicError(f"unknown channel in topic {name!r}") from error
