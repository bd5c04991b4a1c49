"""Values typed into a form: from text to a wire.Reading, or to a sentence per field that says what to do.

The ranges are the contract's own, read from wire.reading, so that the two cannot drift apart.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import inspect

from clinician_api.i18n import N_
from wire.identity import reading_id
from wire.reading import ClockQuality, Kind, Origin, Reading, Values

OLDEST = timedelta(days=31)
DEVICE = "manual"
UNLIKELY_KG = 5.0
GRADES = ("breathlessness", "orthopnoea", "swelling", "dizziness")

NUMBER = N_("Write the value in figures, for example %(example)s.")
REQUIRED = N_("Write the value that the device showed.")
RANGE = N_("The value must be from %(low)s to %(high)s. Look at the device again and correct it.")
ORDER = N_("The upper pressure must be higher than the lower one. Check that they are in the right boxes.")
UNLIKELY = N_("This is %(change)s kg from your last weight. If it is right, tick the box and save again.")
FUTURE = N_("The time is in the future. Correct the day or the time.")
TOO_OLD = N_("The time is more than 31 days ago. Tell your contact about older values.")
TIME = N_("Write both the day and the time, or leave both empty for now.")
ANSWER = N_("Answer at least one of the questions.")


@dataclass(frozen=True, slots=True)
class Range:
    """The least and greatest value that a reading may have, in its unit."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Problem:
    """A message id about one field, with its variables."""

    field: str
    message: str
    variables: Mapping[str, str]


class Refused(ValueError):
    """The form cannot become a reading; `problems` says why, field by field."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems."""
        super().__init__(", ".join(problem.field for problem in problems))
        self.problems = problems


def ranges() -> dict[str, Range]:
    """Return the range of each quantity of the contract."""
    info = inspect.type_info(Values)
    assert isinstance(info, inspect.StructType)
    found: dict[str, Range] = {}
    for field in info.fields:
        assert isinstance(field.type, inspect.UnionType)
        for kind in field.type.types:
            plain = kind.type if isinstance(kind, inspect.Metadata) else kind
            if isinstance(plain, inspect.FloatType | inspect.IntType):
                assert plain.ge is not None
                assert plain.le is not None
                found[field.name] = Range(float(plain.ge), float(plain.le))
    return found


RANGES = ranges()


def new_token(now: datetime) -> UUID:
    """Return a form's own identity: sent twice with the same values it is one reading."""
    return _identity(secrets.token_bytes(16), now)


def known_token(text: str, now: datetime) -> UUID:
    """Return the token that a form brought back, or a new one for a form that is older than a day."""
    try:
        token = UUID(text)
        made = datetime.fromtimestamp((token.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError):
        return new_token(now)
    fresh = now - timedelta(days=1) <= made <= now + timedelta(minutes=1)
    return token if fresh else new_token(now)


def _identity(material: bytes, at: datetime) -> UUID:
    return reading_id(
        device_id=DEVICE,
        user_slot=None,
        characteristic=DEVICE,
        raw=material,
        device_time=None,
        received_at=at,
    )


def number(text: str) -> float:
    """Return a number written with a comma or a point. Raises ValueError."""
    plain = text.strip().replace("\u00a0", "").replace(" ", "").replace(",", ".")
    if not plain or len(plain) > 8 or not set(plain) <= set("0123456789."):
        raise ValueError(text)
    return float(plain)


def weight(
    form: Mapping[str, str],
    *,
    last: float | None,
    confirmed: bool,
    measured: datetime,
    now: datetime,
    token: UUID,
) -> Reading:
    """Return the reading of a weight form (kg). Raises Refused.

    More than 5 kg from the `last` weight is most often a slip of the finger: it is asked about once.
    """
    problems: list[Problem] = []
    kg = _value(form, "weight", "83,1", problems)
    if kg is not None and last is not None and abs(kg - last) > UNLIKELY_KG and not confirmed:
        change = f"{abs(kg - last):.1f}".replace(".", ",")
        problems.append(Problem("weight", UNLIKELY, {"change": change}))
    return _reading(Kind.WEIGHT, {"weight": kg}, problems, measured=measured, now=now, token=token)


def pressure(form: Mapping[str, str], *, measured: datetime, now: datetime, token: UUID) -> Reading:
    """Return the reading of a blood-pressure form (mm[Hg], pulse in /min and optional). Raises Refused."""
    problems: list[Problem] = []
    systolic = _value(form, "systolic", "128", problems)
    diastolic = _value(form, "diastolic", "76", problems)
    pulse = _value(form, "pulse", "64", problems) if form.get("pulse", "").strip() else None
    if systolic is not None and diastolic is not None and systolic <= diastolic:
        problems.append(Problem("systolic", ORDER, {}))
    values = {"systolic": systolic, "diastolic": diastolic, "pulse": pulse}
    return _reading(Kind.BLOOD_PRESSURE, values, problems, measured=measured, now=now, token=token)


def symptoms(form: Mapping[str, str], *, now: datetime, token: UUID) -> Reading:
    """Return the reading of the symptom questions, grades 0-3. Raises Refused if none is answered."""
    grades = {name: int(form[name]) for name in GRADES if form.get(name, "") in {"0", "1", "2", "3"}}
    problems = [] if grades else [Problem(GRADES[0], ANSWER, {})]
    return _reading(Kind.SYMPTOMS, grades, problems, measured=now, now=now, token=token)


def measured_time(form: Mapping[str, str], now: datetime, zone: Any) -> datetime:
    """Return when it was measured: the day and time of the form in the zone, or `now`. Raises Refused."""
    day, clock = form.get("day", "").strip(), form.get("clock", "").strip()
    if not day and not clock:
        return now
    try:
        local = datetime.fromisoformat(f"{day}T{clock}")
        if local.tzinfo is not None:
            raise ValueError(clock)  # the form's time is the patient's, whatever zone somebody adds
        at = local.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused([Problem("day", TIME, {})]) from None
    if at > now + timedelta(minutes=1):
        raise Refused([Problem("day", FUTURE, {})])
    if at < now - OLDEST + timedelta(minutes=1):
        raise Refused([Problem("day", TOO_OLD, {})])
    return min(at, now)


def _value(form: Mapping[str, str], name: str, example: str, problems: list[Problem]) -> float | None:
    text = form.get(name, "")
    if not text.strip():
        problems.append(Problem(name, REQUIRED, {}))
        return None
    try:
        value = number(text)
    except ValueError:
        problems.append(Problem(name, NUMBER, {"example": example}))
        return None
    span = RANGES[name]
    if not span.low <= value <= span.high:
        problems.append(Problem(name, RANGE, {"low": f"{span.low:g}", "high": f"{span.high:g}"}))
        return None
    return value


def _reading(
    kind: Kind,
    values: Mapping[str, float | int | None],
    problems: list[Problem],
    *,
    measured: datetime,
    now: datetime,
    token: UUID,
) -> Reading:
    if problems:
        raise Refused(problems)
    entered = msgspec.convert(dict(values), Values)
    made = datetime.fromtimestamp((token.int >> 80) / 1000, UTC)
    return Reading(
        reading_id=_identity(token.bytes + msgspec.json.encode([kind, entered]), made),
        device_id=DEVICE,
        kind=kind,
        values=entered,
        received_at=now,
        measured_at=measured,
        clock=ClockQuality.GATEWAY,
        origin=Origin.MANUAL,
    )
