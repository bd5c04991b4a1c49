"""The gateway speaks TLS with its own certificate, and refuses a broker that it cannot trust."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.device_clock import utc_now
from gateway.outbox import Outbox
from gateway.settings import Settings
from hemkurva.embedded.mosquitto import find_binary
from hemkurva.supervisor import free_port

from .conftest import sending
from .server import until

GATEWAY = "gw-tls"
CONFIG = """
listener {port} 127.0.0.1
allow_anonymous false
cafile {folder}/ca.pem
certfile {folder}/broker.pem
keyfile {folder}/broker.key
require_certificate true
use_identity_as_username true
log_dest stderr
"""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_authority(folder: Path, name: str) -> None:
    subject = f"/CN=Hemkurva test {name}"
    openssl(
        folder,
        *f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {name}.key -out {name}.pem".split(),
        "-subj",
        subject,
    )


def make_certificate(folder: Path, name: str, common_name: str) -> None:
    openssl(
        folder,
        *f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={common_name}".split(),
    )
    (folder / f"{name}.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        folder,
        *f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2".split(),
        *f"-extfile {name}.ext -out {name}.pem".split(),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of a broker, a gateway and of an authority that nobody trusts."""
    made = tmp_path_factory.mktemp("tls")
    for name in ("ca", "other"):
        make_authority(made, name)
    make_certificate(made, "broker", "localhost")
    make_certificate(made, "gateway", GATEWAY)
    return made


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """A broker that takes certificates only."""
    number = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(CONFIG.format(port=number, folder=folder) + "user root\n")
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([find_binary(), "-c", str(config)], stdout=output, stderr=output)
    deadline = time.monotonic() + 10
    while b"running" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield number
    process.terminate()
    process.wait()


def environment(folder: Path, port: int) -> dict[str, str]:
    return {
        "HEMKURVA_GATEWAY_ID": GATEWAY,
        "HEMKURVA_GATEWAY_DATA": str(folder / "data"),
        "HEMKURVA_MQTT_HOST": "localhost",
        "HEMKURVA_MQTT_PORT": str(port),
        "HEMKURVA_MQTT_CA": str(folder / "ca.pem"),
        "HEMKURVA_MQTT_CERT": str(folder / "gateway.pem"),
        "HEMKURVA_MQTT_KEY": str(folder / "gateway.key"),
    }


async def test_its_certificate_lets_it_in(folder: Path, port: int, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite", now=utc_now())
    async with sending(Settings.from_env(environment(folder, port)), outbox) as running:
        await until(lambda: running.publisher.connected)
    outbox.close()


# paho 2.2 leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_a_broker_of_another_authority_is_refused(
    folder: Path, port: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings.from_env(environment(folder, port))
    assert settings.tls is not None
    wrong = replace(settings, tls=replace(settings.tls, ca=folder / "other.pem"))
    outbox = Outbox(tmp_path / "outbox.sqlite", now=utc_now())
    async with sending(wrong, outbox) as running:
        await until(lambda: "certificate verify failed" in caplog.text)
        assert not running.publisher.connected
    outbox.close()
