"""The contract as JSON Schema (draft 2020-12), for people who write another gateway or server."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from wire.messages import Batch, Config, Receipt, Status


def export() -> dict[str, Any]:
    """Return one document with a definition of Batch, Receipt, Status and Config, and of their parts."""
    _, definitions = msgspec.json.schema_components(
        (Batch, Receipt, Status, Config), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Hemkurva wire contract, schema version 1",
        "$defs": definitions,
    }


if __name__ == "__main__":
    print(json.dumps(export(), indent=1, sort_keys=True))
