"""Numbers, times and symptoms in words, Swedish and English."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.rules.plan import MeasuredKind, Symptom
from alerts.rules.repeats import Outcome
from alerts.rules.series import Vital

_MONTHS_SV = ("jan", "feb", "mars", "apr", "maj", "juni", "juli", "aug", "sep", "okt", "nov", "dec")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

WORSE_SV = {
    Symptom.BREATHLESSNESS: "mer andfådd",
    Symptom.ORTHOPNOEA: "svårare att ligga plant",
    Symptom.SWELLING: "mer svullen",
    Symptom.DIZZINESS: "mer yr",
}
WORSE_EN = {
    Symptom.BREATHLESSNESS: "more breathless",
    Symptom.ORTHOPNOEA: "harder to lie flat",
    Symptom.SWELLING: "more swollen",
    Symptom.DIZZINESS: "dizzier",
}
KIND_SV: dict[MeasuredKind, str] = {
    "weight": "Ingen vikt",
    "blood_pressure": "Inget blodtryck",
    "heart_rate": "Ingen puls",
    "symptoms": "Inga svar på symtomfrågorna",
}
KIND_EN: dict[MeasuredKind, str] = {
    "weight": "No weight",
    "blood_pressure": "No blood pressure",
    "heart_rate": "No pulse",
    "symptoms": "No answers to the symptom questions",
}


def decimal_sv(value: float, places: int = 1) -> str:
    """Return a number with the Swedish decimal comma."""
    return decimal_en(value, places).replace(".", ",")


def decimal_en(value: float, places: int = 1) -> str:
    """Return a number with a fixed count of decimals."""
    return f"{value:.{places}f}"


def days_sv(days: int) -> str:
    """Return a count of days."""
    return "1 dag" if days == 1 else f"{days} dagar"


def days_en(days: int) -> str:
    """Return a count of days."""
    return "1 day" if days == 1 else f"{days} days"


def day_sv(at: datetime, zone: ZoneInfo) -> str:
    """Return the local day, e.g. "5 nov"."""
    local = at.astimezone(zone)
    return f"{local.day} {_MONTHS_SV[local.month - 1]}"


def day_en(at: datetime, zone: ZoneInfo) -> str:
    """Return the local day, e.g. "5 Nov"."""
    local = at.astimezone(zone)
    return f"{local.day} {_MONTHS_EN[local.month - 1]}"


def moment_sv(at: datetime, zone: ZoneInfo) -> str:
    """Return the local day and time, e.g. "5 nov 07:12"."""
    return f"{day_sv(at, zone)} {at.astimezone(zone):%H:%M}"


def moment_en(at: datetime, zone: ZoneInfo) -> str:
    """Return the local day and time, e.g. "5 Nov 07:12"."""
    return f"{day_en(at, zone)} {at.astimezone(zone):%H:%M}"


def worse_sv(symptoms: Iterable[Symptom]) -> str:
    """Return what has become worse, in the order of the questions."""
    return ", ".join(WORSE_SV[symptom] for symptom in symptoms)


def worse_en(symptoms: Iterable[Symptom]) -> str:
    """Return what has become worse, in the order of the questions."""
    return ", ".join(WORSE_EN[symptom] for symptom in symptoms)


def vital(values: tuple[float, ...]) -> str:
    """Return a pressure as "178/95 mmHg", a pulse as "38/min"."""
    unit = " mmHg" if len(values) == 2 else "/min"
    return "/".join(f"{value:.0f}" for value in values) + unit


def repeated_sv(outcome: Outcome, mean: Vital | None) -> str:
    """Return what measuring again has shown, with the mean of the repeats."""
    shown = vital(mean.values) if mean else ""
    return {
        Outcome.NOT_REPEATED: "Obekräftad: inte mätt om.",
        Outcome.CONFIRMED: f"Bekräftad: {shown} vid upprepad mätning.",
        Outcome.NORMAL: f"Upprepad mätning normal: {shown}.",
        Outcome.UNCLEAR: f"Obekräftad: {shown} i medel vid upprepad mätning, den sista utanför gränsen.",
    }[outcome]


def repeated_en(outcome: Outcome, mean: Vital | None) -> str:
    """Return what measuring again has shown, with the mean of the repeats."""
    shown = vital(mean.values) if mean else ""
    return {
        Outcome.NOT_REPEATED: "Unconfirmed: not measured again.",
        Outcome.CONFIRMED: f"Confirmed: {shown} when measured again.",
        Outcome.NORMAL: f"Normal when measured again: {shown}.",
        Outcome.UNCLEAR: f"Unconfirmed: {shown} on average when measured again, the last outside the limit.",
    }[outcome]
