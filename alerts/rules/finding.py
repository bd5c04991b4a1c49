"""A finding: what a rule saw, with its reason in words and numbers. It is stored as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from alerts.rules.plan import Family, Level

Numbers: TypeAlias = dict[str, float | int | str | bool | list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule's deviation at one measured time. (rule, measured_at) is its identity within a patient.

    `confirmed` is None where a rule knows no confirmation, False until a repeated measurement has agreed.
    The texts are for staff and patient alike: plain words, no gender, units written out.
    """

    rule: str
    family: Family
    level: Level
    measured_at: datetime
    text_sv: str
    text_en: str
    numbers: Numbers = field(default_factory=Numbers)
    confirmed: bool | None = None
    reading_ids: tuple[UUID, ...] = ()
