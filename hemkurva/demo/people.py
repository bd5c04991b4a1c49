"""The cast of the demo. Every person is invented; every personnummer is from the series for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from devices.virtual.history import Person, Profile
from storage.registry import CareUnit, Patient, Staff

PASSWORD = "hemkurva-demo"
"""Of every demo login. A production start refuses accounts that are marked as demo."""

MUNICIPALITY = "SE2120000001-HEMSJUKVARD"
REGION = "SE2321000001-HALSOCENTRAL"

_WEEKDAYS = tuple((day, time(8), time(16, 30)) for day in range(1, 6))

UNITS = (
    CareUnit(
        care_unit_id=MUNICIPALITY,
        name="Hemsjukvården Norrsta",
        principal="municipality",
        phone="090-000 11 00",
        staffed=_WEEKDAYS,
    ),
    CareUnit(
        care_unit_id=REGION,
        name="Norrsta hälsocentral",
        principal="region",
        phone="090-000 22 00",
        staffed=_WEEKDAYS,
    ),
)


def identify(name: str) -> UUID:
    """Return the same identity for the same name at each start."""
    return uuid5(NAMESPACE_URL, f"urn:hemkurva:demo:{name}")


def _staff(
    login: str, given: str, family: str, title: Literal["nurse", "physician", "operator"], unit: str
) -> Staff:
    number = {"nurse": "1", "deputy": "2", "physician": "3", "operator": "4"}[login]
    return Staff(
        staff_id=identify(login),
        hsa_id=f"{unit.split('-')[0]}-DEMO{number}",
        given_name=given,
        family_name=family,
        title=title,
        care_unit_id=unit,
        email=f"{login}@demo.example",
        phone=f"090-000 33 0{number}",
    )


STAFF = {
    "nurse": _staff("nurse", "Anna", "Sandström", "nurse", MUNICIPALITY),
    "deputy": _staff("deputy", "Erik", "Holmgren", "nurse", MUNICIPALITY),
    "physician": _staff("physician", "Maria", "Lindfors", "physician", REGION),
    "operator": _staff("operator", "Olle", "Teknik", "operator", MUNICIPALITY),
}


def personnummer_for_tests(born: date, sex: Literal["female", "male"]) -> str:
    """Return a personnummer, 12 digits, of the series 238 (female) and 239 (male) that is kept for tests."""
    serial = "238" if sex == "female" else "239"
    ten = f"{born:%y%m%d}{serial}"
    total = sum(
        digit if index % 2 else (2 * digit) // 10 + (2 * digit) % 10
        for index, digit in enumerate(map(int, ten))
    )
    return f"{born:%Y%m%d}{serial}{-total % 10}"


@dataclass(frozen=True, kw_only=True)
class Home:
    """A virtual home: a patient, a gateway, a scale and a cuff, and for some a chest strap.

    `profile` and `person` say what the device memories hold from the last `days`.
    """

    key: str
    patient: Patient
    conditions: Literal["heart_failure", "hypertension"]
    profile: Profile
    person: Person
    days: int
    goal: str
    strap: bool = False

    @property
    def gateway_id(self) -> str:
        """The gateway of this home; a kit number, not a name."""
        return f"kit-{1000 + _KEYS.index(self.key)}"

    def device_id(self, device: str) -> str:
        """Return the static random address of one of the home's devices."""
        last = {"cuff": 1, "scale": 2, "strap": 3, "unknown": 9}[device]
        return f"F0:48:4B:00:{_KEYS.index(self.key):02X}:{last:02X}"


_KEYS: tuple[str, ...] = ("monika", "gunnar", "birgit", "stina", "sven", "lars")


def _patient(key: str, given: str, family: str, born: date, sex: Literal["female", "male"]) -> Patient:
    return Patient(
        patient_id=identify(key),
        personnummer=personnummer_for_tests(born, sex),
        given_name=given,
        family_name=family,
        born=born,
        sex=sex,
        municipality="Norrsta",
        phone=f"070-000 44 {10 + _KEYS.index(key)}",
    )


HOMES = (
    Home(
        key="monika",
        patient=_patient("monika", "Monika", "Bergdahl", date(1948, 3, 14), "female"),
        conditions="heart_failure",
        profile=Profile.STABLE_HEART_FAILURE,
        days=90,
        goal="Fiska med barnbarnen i sommar",
        person=Person(weight=80.6, systolic=126, diastolic=74, pulse=68),
    ),
    Home(
        key="gunnar",
        patient=_patient("gunnar", "Gunnar", "Åström", date(1943, 11, 2), "male"),
        conditions="heart_failure",
        profile=Profile.STABLE_HEART_FAILURE,
        days=45,
        goal="Orka gå till affären och hem igen",
        person=Person(weight=91.2, systolic=118, diastolic=70, pulse=72),
        strap=True,
    ),
    Home(
        key="birgit",
        patient=_patient("birgit", "Birgit", "Norberg", date(1945, 6, 21), "female"),
        conditions="heart_failure",
        profile=Profile.MISSING_LATELY,
        days=45,
        goal="Sova i sängen, inte i fåtöljen",
        person=Person(weight=64.3, systolic=131, diastolic=78, pulse=74),
    ),
    Home(
        key="stina",
        patient=_patient("stina", "Stina", "Hedlund", date(1951, 9, 8), "female"),
        conditions="heart_failure",
        profile=Profile.DECOMPENSATING,
        days=45,
        goal="Sjunga i kören på torsdagar",
        person=Person(weight=72.8, systolic=122, diastolic=71, pulse=77),
    ),
    Home(
        key="sven",
        patient=_patient("sven", "Sven", "Öberg", date(1956, 1, 30), "male"),
        conditions="hypertension",
        profile=Profile.HYPERTENSION,
        days=45,
        goal="Slippa fler tabletter",
        person=Person(weight=86.0, systolic=146, diastolic=88, pulse=70),
    ),
    Home(
        key="lars",
        patient=_patient("lars", "Lars", "Wikman", date(1953, 5, 5), "male"),
        conditions="hypertension",
        profile=Profile.HYPERTENSION,
        days=45,
        goal="Åka skidor i vinter",
        person=Person(weight=78.4, systolic=128, diastolic=79, pulse=66),
    ),
)

KIN = identify("kin")
