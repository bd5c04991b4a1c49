"""The built web assets: which hashed file a name stands for today."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

STATIC_URL = "/static/dist"


class AssetsMissing(Exception):
    """The web assets are not built: run `make install`."""


@dataclass(frozen=True)
class Assets:
    """Names like "app.css" and the addresses that serve them."""

    urls: dict[str, str]

    @classmethod
    def load(cls, directory: Path) -> Assets:
        """Read manifest.json of the build. Raises AssetsMissing."""
        try:
            manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
        except FileNotFoundError as error:
            raise AssetsMissing("the web assets are not built: run `make install`") from error
        return cls({name: f"{STATIC_URL}/{file}" for name, file in manifest.items()})

    def url(self, name: str) -> str:
        """Return the address of an asset. Raises AssetsMissing when the build does not have it."""
        try:
            return self.urls[name]
        except KeyError:
            raise AssetsMissing(f"the build has no {name}: run `make install` again") from None
