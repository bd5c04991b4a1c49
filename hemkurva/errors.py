"""Errors whose message is one sentence for the person at the terminal: what is wrong and what to do."""

from __future__ import annotations


class UserError(Exception):
    """Something that the user can put right. The command line prints the sentence and exits with 2."""


class MissingTool(UserError):
    """A program that we run is not installed."""


class PortInUse(UserError):
    """Another program listens on the port."""


class DiskFull(UserError):
    """The disk has too little room for what we are about to write."""


class DataUnusable(UserError):
    """The data directory exists and cannot be used by this version, this user or at this moment."""


class CannotStart(UserError):
    """A child process ended, or was not ready in time, before it had ever been ready."""
