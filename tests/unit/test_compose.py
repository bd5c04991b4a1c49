"""docker-compose.yml and deploy/Dockerfile, held against the code that their containers run."""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.util
import itertools
import os
import re
import secrets
import smtplib
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from alerts.notify.email import EmailSettings
from alerts.settings import Settings as AlertsSettings
from clinician_api.settings import Settings as ApiSettings
from hemkurva.cli import COMMANDS
from hemkurva.demo import container, gateways, run
from hemkurva.demo.mail import newest
from hemkurva.demo.people import HOMES
from hemkurva.embedded import broker_files
from hemkurva.supervisor import free_port
from ingest_service.settings import Settings as IngestSettings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
DATA = "/data"
OURS = [name for name, service in SERVICES.items() if "build" in service]
PARTS = ["python", "-m", "hemkurva.demo.container"]
PACKAGES = [
    pattern.removesuffix("*")
    for pattern in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"][
        "packages"
    ]["find"]["include"]
]


def plain(text: str) -> str:
    """Return a text of the yaml as Compose reads it when nothing is set in its environment."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def environment(name: str) -> dict[str, str]:
    return {key: plain(value) for key, value in SERVICES[name].get("environment", {}).items()}


def volumes(name: str) -> dict[str, str]:
    """Return the named volumes of a service by the place where they are mounted."""
    return {
        target: source for source, target, *_ in (v.split(":") for v in SERVICES[name].get("volumes", []))
    }


def copied() -> list[str]:
    """Return what the Dockerfile copies out of the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def python_arguments(name: str) -> list[str]:
    """Return what Python is given in the end, past the waiting for the set-up."""
    service = SERVICES[name]
    assert service["entrypoint"][:3] == PARTS
    given = [*service["entrypoint"][3:], *service["command"]]
    if given[0] != "start":
        return [*PARTS[1:], *given]
    return list(container.start.make_context("start", given[1:]).params["arguments"])


def moved(text: str, there: container.Volumes) -> str:
    """Return a text with the paths of `there` in the place of the containers'."""
    return re.sub(rf"{DATA}(?=/|$)", str(there.root), text)


@pytest.fixture
def prepared(tmp_path: Path) -> container.Volumes:
    """Volumes with all files that the set-up writes."""
    there = container.Volumes(tmp_path)
    container.prepare(there, lambda: secrets.token_urlsafe(24), lambda: secrets.token_bytes(12))
    return there


@pytest.fixture
def inside(prepared: container.Volumes) -> Callable[[str], dict[str, str]]:
    """Return a service's settings, with the prepared volumes in the place of the containers'."""

    def translate(name: str) -> dict[str, str]:
        return {key: moved(value, prepared) for key, value in environment(name).items()}

    return translate


# --- the services ----------------------------------------------------------------------------------------


def test_each_service_of_the_demo_is_started_in_the_same_way() -> None:
    wanted = {"api" if name == "web" else name: argv for name, argv in run.services(Path(DATA)).items()}
    assert {name: python_arguments(name) for name in wanted} == wanted


def test_there_is_nothing_but_the_demo_and_what_it_brings_along() -> None:
    demo = {"api" if name == "web" else name for name in run.services(Path(DATA))}
    assert set(SERVICES) == demo | {"db", "broker", "setup", "mail"}
    assert set(OURS) == demo | {"setup", "mail"}


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_the_code_has(name: str) -> None:
    flag, module, *rest = python_arguments(name)
    assert flag == "-m"
    assert importlib.util.find_spec(module) is not None
    if module == "hemkurva":
        assert rest[0] in COMMANDS
    if module == PARTS[2]:
        part = container.container.commands[rest[0]]
        assert isinstance(part, click.Command)
        part.make_context(rest[0], rest[1:])


def test_a_service_waits_for_a_volume_that_it_has() -> None:
    waiting = [name for name in OURS if name != "setup"]
    for name in waiting:
        entrypoint = SERVICES[name]["entrypoint"]
        assert entrypoint[3] == "start"
        assert entrypoint[4] in volumes(name)


def test_nothing_relies_on_health_checks() -> None:
    for service in SERVICES.values():
        assert "healthcheck" not in service
        assert "depends_on" not in service
        assert service["restart"] in {"unless-stopped", "on-failure"}


def test_only_the_pages_are_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["api"]
    port = environment("api")["HEMKURVA_HTTP_PORT"]
    assert [plain(line) for line in published["api"]] == [f"127.0.0.1:{port}:{port}"]
    assert not any("network_mode" in service or "privileged" in service for service in SERVICES.values())


def test_images_are_pinned_and_name_no_registry() -> None:
    foreign = [service["image"] for service in SERVICES.values() if "build" not in service]
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    for image in [*foreign, *bases]:
        repository, _, tag = image.partition(":")
        assert re.match(r"\d+(\.\d+)*", tag), image
        assert "." not in repository.split("/")[0], image
    assert all(re.search(r":\d+\.\d+\.\d+", image) for image in foreign)
    assert {SERVICES[name]["image"] for name in OURS} == {"hemkurva:local"}


def test_all_processes_but_the_set_up_and_postgresql_share_one_unprivileged_user() -> None:
    user = f"{container.UID}:{container.UID}"
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE) == [user]
    assert f"--uid {container.UID} --gid {container.UID}" in DOCKERFILE
    assert SERVICES["broker"]["user"] == user
    assert [name for name in OURS if "user" in SERVICES[name]] == ["setup"]
    assert all(SERVICES[name]["cap_drop"] == ["ALL"] for name in OURS if name != "setup")


# --- settings --------------------------------------------------------------------------------------------


def settings_read_by_the_code() -> set[str]:
    """Return the HEMKURVA_* names that are values in the code; keys of a dict are only written."""
    found: set[str] = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        keys = {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
        found |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys
        }
    return {name for name in found if re.fullmatch(r"HEMKURVA_[A-Z_]+", name)}


def test_every_setting_is_one_that_the_code_reads() -> None:
    given = {key for name in OURS for key in environment(name)}
    assert len(given) > 10
    assert given - settings_read_by_the_code() == set()


def test_what_the_demo_sets_some_container_sets() -> None:
    settings = run.Settings(port=8600, data=Path(DATA))
    demo = run._environment(settings, "dsn", 1883, "password", 25)
    wanted = {key for key in demo if key.startswith("HEMKURVA_") and key not in os.environ}
    given = {key.removesuffix("_FILE") for name in OURS for key in environment(name)}
    assert wanted - given == set()


def test_the_pages_accept_their_settings(inside: Callable[[str], dict[str, str]]) -> None:
    settings = ApiSettings.from_env(inside("api"))
    assert settings.demo
    # The panel's scenes reach the pages from inside the container, by the address that people type outside.
    assert settings.public_url == f"http://127.0.0.1:{settings.port}"
    assert settings.host == "0.0.0.0"
    assert settings.port == run.Settings(port=8600, data=Path()).port


def test_alerts_accepts_its_settings_and_finds_the_mailbox(inside: Callable[[str], dict[str, str]]) -> None:
    settings = AlertsSettings.from_env(inside("alerts"))
    assert settings.public_url == environment("api")["HEMKURVA_PUBLIC_URL"]
    mail = EmailSettings.from_env(settings.environ)
    options = container.mail.make_context("mail", python_arguments("mail")[3:]).params
    assert (mail.host, mail.port) == ("mail", options["port"])
    assert options["host"] == "0.0.0.0"
    assert options["directory"] == Path(environment("api")["HEMKURVA_DEMO_DATA"]) / "mail"


def test_ingest_accepts_its_settings_and_the_broker_its_password(
    inside: Callable[[str], dict[str, str]], prepared: container.Volumes
) -> None:
    settings = IngestSettings.from_env(inside("ingest"))
    assert (settings.mqtt_host, str(settings.mqtt_port)) == ("broker", container.LISTENER)
    assert settings.mqtt_password is not None
    assert lets_in(prepared, settings.mqtt_username, settings.mqtt_password)
    assert not lets_in(prepared, settings.mqtt_username, "another")


def test_the_gateways_accept_their_settings_and_the_broker_their_passwords(
    inside: Callable[[str], dict[str, str]], prepared: container.Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in [key for key in os.environ if key.startswith("HEMKURVA_")]:
        monkeypatch.delenv(key)
    for key, value in inside("gateways").items():
        monkeypatch.setenv(key, value)
    directory = Path(moved(python_arguments("gateways")[2], prepared))
    found = [gateway._settings for gateway in gateways.load(directory).values()]
    assert [settings.gateway_id for settings in found] == [home.gateway_id for home in HOMES]
    for settings in found:
        assert (settings.mqtt_host, str(settings.mqtt_port)) == ("broker", container.LISTENER)
        assert lets_in(prepared, settings.gateway_id, settings.mqtt_password or "")


def lets_in(there: container.Volumes, name: str, password: str) -> bool:
    """Say whether the broker's password file has that password for the account."""
    lines = (there.broker / "passwords").read_text("utf-8").splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    _, kind, iterations, salt, key = line.split("$")
    assert kind == "7"
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(iterations))
    return derived == base64.b64decode(key)


@pytest.mark.parametrize("name", [name for name in OURS if "HEMKURVA_DSN" in environment(name)])
def test_the_database_is_the_one_that_is_made(
    name: str, inside: Callable[[str], dict[str, str]], prepared: container.Volumes
) -> None:
    dsn = conninfo_to_dict(inside(name)["HEMKURVA_DSN"])
    made = environment("db")
    assert (dsn["host"], dsn["dbname"], dsn["user"]) == ("db", made["POSTGRES_DB"], made["POSTGRES_USER"])
    password = Path(moved(made["POSTGRES_PASSWORD_FILE"], prepared)).read_text("utf-8")
    assert Path(str(dsn["passfile"])).read_text("utf-8") == f"*:*:*:*:{password}\n"


def test_a_service_is_given_the_database_exactly_if_it_uses_it() -> None:
    users = {name for name in OURS if "HEMKURVA_DSN" in environment(name)}
    assert users == {"setup", "ingest", "alerts", "api"}


# --- volumes ---------------------------------------------------------------------------------------------


def test_every_path_is_in_a_volume_of_the_service() -> None:
    for name, service in SERVICES.items():
        texts = [*environment(name).values(), *service.get("entrypoint", []), *service["command"]]
        paths = {found for text in texts for found in re.findall(rf"{DATA}/[\w/.]+", text)}
        lost = {path for path in paths if not any(f"{path}/".startswith(f"{at}/") for at in volumes(name))}
        assert lost == set(), name


def test_a_volume_is_declared_used_and_mounted_at_one_place() -> None:
    places = [(source, target) for name in SERVICES for target, source in volumes(name).items()]
    assert {source for source, _ in places} == set(COMPOSE["volumes"])
    assert len(dict(places)) == len(set(places))


def test_the_set_up_has_every_volume_that_it_prepares() -> None:
    prepares = {str(path) for path in container.Volumes(Path(DATA)).all()}
    assert set(volumes("setup")) == prepares
    assert prepares == {f"{DATA}/{name}" for name in COMPOSE["volumes"] if name != "database"}
    assert environment("setup")["HEMKURVA_DEMO_DATA"] == DATA


def test_the_broker_waits_for_the_file_that_the_set_up_writes_last(prepared: container.Volumes) -> None:
    [config] = SERVICES["broker"]["command"]
    written = prepared.root / Path(config).relative_to(DATA)
    text = written.read_text("utf-8")
    assert f"listener {container.LISTENER}\n" in text
    assert f"password_file {prepared.broker}/passwords" in text
    others = [prepared.broker / "passwords", prepared.broker / "access"]
    assert written.stat().st_mtime_ns >= max(path.stat().st_mtime_ns for path in others)


def test_the_set_up_writes_private_files_and_keeps_its_passwords(prepared: container.Volumes) -> None:
    def secrets_kept() -> list[str]:
        files = [*sorted(prepared.secrets.iterdir()), prepared.homes / gateways.PASSWORDS]
        return [path.read_text("utf-8") for path in files]

    before = secrets_kept()
    container.prepare(prepared, lambda: "new", lambda: bytes(12))
    assert secrets_kept() == before
    for path in itertools.chain.from_iterable(volume.iterdir() for volume in prepared.all()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert all(stat.S_IMODE(volume.stat().st_mode) == 0o700 for volume in prepared.all())


def test_a_password_with_the_separators_of_a_password_file_is_escaped(tmp_path: Path) -> None:
    there = container.Volumes(tmp_path)
    container.prepare(there, lambda: "a:b\\c", lambda: bytes(12))
    assert (there.secrets / "pgpass").read_text("utf-8") == "*:*:*:*:a\\:b\\\\c\n"


# --- the parts in containers, for real -------------------------------------------------------------------


async def test_the_set_up_fills_an_empty_database_once(empty_database: str, tmp_path: Path) -> None:
    there = container.Volumes(tmp_path)
    counts: list[object] = []
    for _ in range(2):
        await container.set_up(there, empty_database, datetime(2026, 11, 22, 12, tzinfo=UTC))
        with psycopg.connect(empty_database) as conn:
            counts.append(conn.execute("select count(*) from patient").fetchone())
    assert counts == [(len(HOMES),), (len(HOMES),)]
    assert all(container.is_set_up(volume) for volume in there.all())


def test_a_volume_that_was_set_up_for_another_schema_is_not_set_up(tmp_path: Path) -> None:
    (tmp_path / container.MARK).write_text("schema 1\n")
    assert not container.is_set_up(tmp_path)
    assert not container.is_set_up(tmp_path / "missing")


def test_a_set_up_without_its_settings_says_which() -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HEMKURVA_")}
    done = subprocess.run(
        [sys.executable, *PARTS[1:], "setup"], env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("hemkurva: HEMKURVA_DEMO_DATA is not set;")


def test_start_waits_for_the_set_up_and_becomes_the_service(tmp_path: Path) -> None:
    argv = [sys.executable, *PARTS[1:], "start", str(tmp_path), "-c", "import os; print(os.getpid())"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"Waiting for the set-up of {tmp_path}\n"
        assert process.poll() is None
        (tmp_path / container.MARK).write_text(container._state())
        assert process.stdout.readline() == f"{process.pid}\n"
        assert process.wait(10) == 0


def test_the_mailbox_keeps_what_is_sent_to_it(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen([sys.executable, *PARTS[1:], "mail", str(tmp_path), str(port)])
    try:
        with smtp(port) as client:
            text = "Subject: Nytt\r\nTo: nurse@demo.example\r\n\r\nEtt ärende\r\n"
            client.sendmail("a@demo.example", ["nurse@demo.example"], text.encode())
        [mail] = newest(tmp_path, 5)
        assert (mail["to"], mail["subject"]) == ("nurse@demo.example", "Nytt")
    finally:
        process.terminate()
        process.wait(10)


def smtp(port: int) -> smtplib.SMTP:
    """Return a connection to a server that is about to listen."""
    end = time.monotonic() + 15
    while True:
        try:
            return smtplib.SMTP("127.0.0.1", port, timeout=5)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


# --- the image -------------------------------------------------------------------------------------------


def test_the_image_has_every_package_and_every_file_that_is_looked_for_beside_them() -> None:
    sources = copied()
    assert set(PACKAGES) <= set(sources)
    assert all((ROOT / source).exists() for source in sources)
    needed = [
        "requirements/build.txt",
        "requirements/demo.txt",
        "pyproject.toml",
        "README.md",
        "package-lock.json",
    ]
    assert set(needed) <= set(sources)
    template = broker_files.TEMPLATE.relative_to(ROOT)
    assert any(template.is_relative_to(source) for source in sources)


def test_the_build_is_sent_what_it_copies_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = [Path(rule[1:]) for rule in rules if rule.startswith("!")]
    sources = [Path(source) for source in copied()]
    assert all(any(source.is_relative_to(path) for path in let_in) for source in sources)
    assert all(any(source.is_relative_to(path) for source in sources) or path.is_dir() for path in let_in)
    left_out = [rule for rule in rules[1:] if not rule.startswith("!")]
    assert not {str(source) for source in sources} & set(left_out)


def test_the_image_is_built_from_the_locks_alone_and_keeps_no_cache() -> None:
    installs = re.findall(r"pip install (.+)", DOCKERFILE)
    assert len(installs) == 2
    assert all("--no-cache-dir" in line for line in installs)
    assert "--require-hashes" in installs[0]
    assert "--no-index" in installs[1]
    assert re.findall(r"\bnpm (\w+)", DOCKERFILE) == ["ci"]
    assert "://" not in DOCKERFILE


def test_the_yaml_builds_that_dockerfile() -> None:
    for name in OURS:
        build = SERVICES[name]["build"]
        assert (ROOT / build["context"] / build["dockerfile"]).samefile(ROOT / "deploy" / "Dockerfile")
