"""The process of the pages in the demo: the real application, and a panel at /demo to play home with.

`python -m hemkurva.demo.web`. Settings come from the environment, as in `hemkurva api`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader

from clinician_api.app import create_app
from clinician_api.service import beating, serve
from clinician_api.settings import Settings
from clinician_api.templating import render
from hemkurva.demo.control import ControlError, Controls, open_controls
from hemkurva.demo.mail import newest
from hemkurva.demo.people import PASSWORD, STAFF
from hemkurva.demo.scenes import SCENES, Stage
from storage.database import Pool, open_pool

TEMPLATES = Path(__file__).parent.parent / "templates"
MAILS = 5
Number = Annotated[float | None, Form()]


def panel(data: Path, url: str) -> APIRouter:
    """Return the routes of the panel over the demo that keeps its files in `data` and is reached at `url`."""
    router = APIRouter(prefix="/demo", include_in_schema=False)

    @router.get("")
    async def show(request: Request, done: str = "", failed: str = "") -> HTMLResponse:
        homes: list[dict[str, Any]] = []
        try:
            async with open_controls(data / "homes") as controls:
                homes = await controls.describe()
        except (httpx.TransportError, ControlError):
            failed = failed or "homes"
        context = {
            "homes": homes,
            "scenes": SCENES.values(),
            "mails": newest(data / "mail", MAILS),
            "logins": [*STAFF, "patient", "kin"],
            "password": PASSWORD,
            "done": done,
            "failed": failed,
            "t": _chooser(request),
        }
        return render(request, "demo.html", context)

    @router.get("/panel.css")
    async def style() -> FileResponse:
        return FileResponse(TEMPLATES / "demo.css", media_type="text/css")

    @router.post("/scene/{name}")
    async def scene(name: str) -> RedirectResponse:
        if name not in SCENES:
            return _back(failed="scene")

        async def play(controls: Controls) -> None:
            async with httpx.AsyncClient(base_url=url, headers={"origin": url}) as web:
                await SCENES[name].play(Stage(controls, web))

        return await _do(play, "scene")

    @router.post("/measure/{home}/{device}")
    async def measure(
        home: str,
        device: str,
        weight: Number = None,
        systolic: Number = None,
        diastolic: Number = None,
        pulse: Number = None,
        heart_rate: Number = None,
    ) -> RedirectResponse:
        values = {
            "weight": weight,
            "systolic": systolic,
            "diastolic": diastolic,
            "pulse": pulse,
            "heart_rate": heart_rate,
        }
        if device == "unknown":
            values["user_id"] = None

        async def press(controls: Controls) -> None:
            given = {name: value for name, value in values.items() if value is not None or name == "user_id"}
            await controls.measure(home, device, **given)

        return await _do(press, "measure")

    @router.post("/power/{gateway_id}")
    async def power(gateway_id: str, on: Annotated[bool, Form()]) -> RedirectResponse:
        return await _do(lambda controls: controls.power(gateway_id, on=on), "power")

    async def _do(action: Callable[[Controls], Any], what: str) -> RedirectResponse:
        try:
            async with open_controls(data / "homes") as controls:
                await action(controls)
        except (httpx.TransportError, ControlError) as error:
            return _back(failed=str(error) or "homes")
        return _back(done=what)

    return router


def _back(**query: str) -> RedirectResponse:
    return RedirectResponse(str(httpx.URL("/demo", params=query)), status_code=303)


def _chooser(request: Request) -> Callable[[str, str], str]:
    """Return t(Swedish, English) for the request's language."""
    swedish = request.state.language.code == "sv"
    return lambda sv, en: sv if swedish else en


def build(settings: Settings, pool: Pool, data: Path) -> FastAPI:
    """Return the application with the panel."""
    app = create_app(settings, pool)
    environment: Environment = app.state.templates
    environment.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), *filter(None, [environment.loader])])
    app.include_router(panel(data, settings.public_url))
    return app


async def main() -> None:
    """Serve until a signal."""
    settings = Settings.from_env(os.environ)
    async with open_pool(settings.dsn, "hemkurva_web", size=8) as pool:
        app = build(settings, pool, Path(os.environ["HEMKURVA_DEMO_DATA"]))
        async with beating(pool):
            await serve(app, settings)


if __name__ == "__main__":
    asyncio.run(main())
