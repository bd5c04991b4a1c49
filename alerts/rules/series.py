"""One patient's recent readings, sorted by kind and time, as the rules want them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias
from uuid import UUID

from alerts.rules.plan import Symptom
from wire.reading import Flag, Kind

NOT_EXCLUDING = frozenset({Flag.IRREGULAR_PULSE.value})
"""Every other quality flag keeps a reading out of the rules (domain, "Quality")."""
SYMPTOMS_REACH = timedelta(hours=24)
"""A symptom report concerns measurements up to this long before and after it (our choice)."""

Row: TypeAlias = tuple[
    UUID,  # reading_id
    str,  # kind
    datetime,  # measured_at
    float | None,  # systolic
    float | None,  # diastolic
    float | None,  # pulse
    float | None,  # heart_rate
    float | None,  # weight
    int | None,  # breathlessness
    int | None,  # orthopnoea
    int | None,  # swelling
    int | None,  # dizziness
    Sequence[str],  # flags
    UUID | None,  # corrects
    int,  # of no interest here
]
"""A stored reading, in the column order of storage.evaluation."""


class Weight(NamedTuple):
    """A weight in kg."""

    at: datetime
    reading_id: UUID
    kg: float


class Vital(NamedTuple):
    """A blood pressure, (systolic, diastolic) in mm[Hg], or a pulse, one value in /min."""

    at: datetime
    reading_id: UUID
    values: tuple[float, ...]


class SymptomReport(NamedTuple):
    """What the patient said has become worse, in the order of the questions."""

    at: datetime
    reading_id: UUID
    worse: tuple[Symptom, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Readings that the rules may use, each list in order of measured time."""

    weights: list[Weight] = field(default_factory=list[Weight])
    pressures: list[Vital] = field(default_factory=list[Vital])
    pulses: list[Vital] = field(default_factory=list[Vital])
    heart_rates: list[Vital] = field(default_factory=list[Vital])
    symptoms: list[SymptomReport] = field(default_factory=list[SymptomReport])

    def worse_around(self, at: datetime) -> tuple[list[Symptom], list[UUID]]:
        """Return what was reported as worse within a day of a time, and by which reports.

        A later "as usual" does not take back an earlier "worse": only a person does.
        """
        if not self.symptoms:
            return [], []
        first = bisect_left(self.symptoms, at - SYMPTOMS_REACH, key=_at)
        end = bisect_right(self.symptoms, at + SYMPTOMS_REACH, key=_at)
        reports = [report for report in self.symptoms[first:end] if report.worse]
        said = {symptom for report in reports for symptom in report.worse}
        return [symptom for symptom in Symptom if symptom in said], [report.reading_id for report in reports]


def _at(point: SymptomReport) -> datetime:
    return point.at


def build(rows: Iterable[Row]) -> Series:
    """Return the series of one patient's rows, which come in order of (measured_at, reading_id).

    Left out are readings with an excluding quality flag, and readings that another one corrects.
    """
    rows = list(rows)
    series = Series()
    corrected = {row[13] for row in rows if row[13] is not None}
    for row in rows:
        if row[12] and not NOT_EXCLUDING.issuperset(row[12]):
            continue
        if corrected and row[0] in corrected:
            continue
        _file(series, row)
    return series


def _file(series: Series, row: Row) -> None:
    reading_id, kind, at = row[0], row[1], row[2]
    if kind == Kind.BLOOD_PRESSURE:
        systolic, diastolic, pulse = row[3], row[4], row[5]
        if systolic is not None and diastolic is not None:
            series.pressures.append(Vital(at, reading_id, (systolic, diastolic)))
        if pulse is not None:
            series.pulses.append(Vital(at, reading_id, (pulse,)))
    elif kind == Kind.WEIGHT and row[7] is not None:
        series.weights.append(Weight(at, reading_id, row[7]))
    elif kind == Kind.HEART_RATE and row[6] is not None:
        series.heart_rates.append(Vital(at, reading_id, (row[6],)))
    elif kind == Kind.SYMPTOMS:
        grades = zip(Symptom, row[8:12], strict=True)
        series.symptoms.append(SymptomReport(at, reading_id, tuple(name for name, grade in grades if grade)))
