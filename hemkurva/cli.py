"""The one command line. Each command loads its own room only when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from hemkurva.errors import UserError

COMMANDS = {
    "demo": "Run the whole service on this machine, with virtual devices.",
    "decode": "Show what a device's bytes mean.",
    "gateway": "Read Bluetooth devices at home and publish their readings.",
    "ingest": "Store what gateways send.",
    "alerts": "Evaluate readings, keep cases, notify.",
    "api": "Serve the pages and the JSON API.",
    "migrate": "Bring the database up to date.",
}


class Lazy(click.Group):
    """A group whose commands are modules in hemkurva/commands, imported when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"hemkurva.commands.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing all rooms."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy)
@click.version_option(package_name="hemkurva")
def root() -> None:
    """Hemkurva: remote self-monitoring, from a cuff at home to the named contact's screen."""


def main() -> None:
    """Run the command line. A UserError becomes its one sentence and exit code 2."""
    try:
        root()
    except UserError as error:
        click.echo(f"hemkurva: {error}", err=True)
        sys.exit(2)
