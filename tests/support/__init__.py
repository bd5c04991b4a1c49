"""Helpers of the fixtures in conftest."""
