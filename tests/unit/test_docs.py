"""README and docs say what is there, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hemkurva.cli import COMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NOT_ROOMS = {"deploy", "docs", "requirements", "scripts", "web"}
NOT_OURS = {"node_modules", "build", "hemkurva.egg-info"}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))


def test_every_make_command_in_the_readme_is_a_target():
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", README))
    assert {"demo", "test", "install", "check", "bench"} <= named
    assert named <= make_targets()


def test_the_readme_tells_of_every_target_that_people_call():
    helpers = {"help", "install-dev", "assets", "lock", "clean"}
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", README))
    assert make_targets() - helpers <= named


def test_ci_runs_the_readmes_test_command():
    steps = (ROOT / ".ci" / "run").read_text()
    assert "make test" in steps
    assert "make check" in steps


def test_every_hemkurva_command_in_the_readme_exists():
    named = set(re.findall(r"\.venv/bin/hemkurva ([a-z]+)", README))
    assert named
    assert named <= set(COMMANDS)


def test_the_architecture_page_lists_each_folder_and_no_other():
    described = set(re.findall(r"^\| `([a-z_]+)/`", ARCHITECTURE, re.MULTILINE))
    folders = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name not in NOT_OURS
    }
    assert described == folders - NOT_ROOMS
    for other in NOT_ROOMS:
        assert f"`{other}/`" in ARCHITECTURE or other == "docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_decisions_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_screenshot_is_kept_small():
    for picture in (ROOT / "docs" / "images").glob("*.png"):
        assert picture.stat().st_size < 200_000, picture.name
