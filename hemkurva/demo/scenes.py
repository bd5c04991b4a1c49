"""Scenes: what happens in the virtual homes while somebody watches the pages.

A scene only does what people and things at home would do. What follows from it is the service's own work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from hemkurva.demo.control import ControlError, Controls
from hemkurva.demo.people import HOMES, PASSWORD

GATEWAYS = {home.key: home.gateway_id for home in HOMES}
TRUNCATED = bytes.fromhex("1679005100")
ALL_NAN = bytes.fromhex("16ff07ff07ff07e80706170e230aff070000")


@dataclass(frozen=True)
class Stage:
    """What a scene may touch: the homes, and the pages as the patient uses them."""

    controls: Controls
    web: httpx.AsyncClient


@dataclass(frozen=True)
class Scene:
    """A scene, what happens in it, and what to look for."""

    name: str
    title: str
    title_en: str
    watch: str
    watch_en: str
    play: Callable[[Stage], Awaitable[None]]


async def weight_gain(stage: Stage) -> None:
    """Monika steps on the scale: 2.4 kg more than three days ago."""
    await stage.controls.measure("monika", "scale", gain_3_days=2.4)


async def urgent_pressure(stage: Stage) -> None:
    """Monika answers that she is more breathless, and measures 168/96 twice, a minute apart."""
    await answer_symptoms(stage.web, breathlessness=2, orthopnoea=1, swelling=0, dizziness=0)
    for systolic, diastolic in ((168, 96), (166, 94)):
        await stage.controls.measure("monika", "cuff", systolic=systolic, diastolic=diastolic, pulse=88)
        await asyncio.sleep(1)


async def missing(stage: Stage) -> None:
    """Birgit has not measured for four days. Nothing happens at home; that is the scene."""
    await stage.controls.power(GATEWAYS["birgit"], on=True)


async def gateway_silent(stage: Stage) -> None:
    """Somebody pulls the plug of Gunnar's gateway to vacuum."""
    await stage.controls.power(GATEWAYS["gunnar"], on=False)


async def unknown_device(stage: Stage) -> None:
    """A guest steps on a scale in Lars's home that nobody has bound to him."""
    await stage.controls.bring_unknown_scale("lars")
    await stage.controls.measure("lars", "unknown", weight=61.3, user_id=None)


async def bad_frames(stage: Stage) -> None:
    """Sven's cuff fails: a truncated record and one without any number, then a good one."""
    await stage.controls.send_frames("sven", "cuff", [TRUNCATED, ALL_NAN])
    await stage.controls.measure("sven", "cuff", systolic=141, diastolic=86, pulse=70)


SCENES = {
    scene.name: scene
    for scene in (
        Scene(
            "weight-gain",
            "Monika går upp 2,4 kg på 3 dagar",
            "Monika is 2.4 kg heavier than three days ago",
            "Sjuksköterskans inkorg: ett gult ärende dyker upp. Kvittera det; Monikas sida säger det.",
            "Watch the nurse's inbox; acknowledge the case and look at Monika's page",
            weight_gain,
        ),
        Scene(
            "urgent-pressure",
            "Monika är andfådd och har 168/96",
            "Monika is short of breath and measures 168/96",
            "Sjuksköterskans inkorg: ett rött ärende, bekräftat av den andra mätningen.",
            "Watch the nurse's inbox: a red case, confirmed by the second measurement",
            urgent_pressure,
        ),
        Scene(
            "missing",
            "Birgit har inte mätt på fyra dagar",
            "Birgit has not measured for four days",
            "Sjuksköterskans inkorg: ett grått ärende om Birgit. Mät åt henne så löser det sig.",
            "See the grey case in the nurse's inbox; measure for her and it is taken back",
            missing,
        ),
        Scene(
            "gateway-silent",
            "Gunnars hemmaport tystnar",
            "Gunnar's gateway goes silent",
            "Driftsidan och inkorgen: ett tekniskt ärende, inte ett medicinskt. Slå på strömmen igen nedan.",
            "Watch the operator's page: one technical case; give it power again at /demo",
            gateway_silent,
        ),
        Scene(
            "unknown-device",
            "En gäst väger sig hos Lars",
            "A guest steps on a scale at Lars's",
            "Okopplade mätvärden: vikten väntar där och når aldrig Lars kurva.",
            "See the nurse's unassigned readings: the weight waits there",
            unknown_device,
        ),
        Scene(
            "bad-frames",
            "Svens manschett skickar trasiga data",
            "Sven's cuff sends broken data",
            "Driftsidan, karantän: två poster med skäl och råa bytes. Den tredje mätningen sparas.",
            "See the operator's quarantine: two records with their reasons; the third is stored",
            bad_frames,
        ),
    )
}


async def answer_symptoms(web: httpx.AsyncClient, **grades: int) -> None:
    """Sign in as the patient and send her answers on the page's own form. Raises ControlError if refused."""
    for path, form in (
        ("/login", {"login": "patient", "password": PASSWORD}),
        ("/me/symptoms", {name: str(grade) for name, grade in grades.items()} | {"red_flag": "no"}),
    ):
        answer = await web.post(path, data=form)
        if answer.status_code != 303:
            raise ControlError(f"{path} answered {answer.status_code}; look into the log of web")
