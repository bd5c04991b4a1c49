"""`hemkurva decode` in its own process, as a person runs it."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from hemkurva.commands.decode import answer, decode

GOOD = {"characteristic": "2A9D", "hex": "0cb03605f500d606"}
VALUES = {
    "weight": 70.0,
    "bmi": 24.5,
    "height": 1.75,
    "taken_at": None,
    "user_id": 5,
    "measurement_unsuccessful": False,
}
BAD_LINES = [
    b"",
    b"   ",
    b"no json",
    b"[]",
    b"null",
    b"5",
    b"{}",
    b'{"characteristic": "2A9D"}',
    b'{"hex": "00b036"}',
    b'{"characteristic": 10653, "hex": "00b036"}',
    b'{"characteristic": "2A9D", "hex": 36}',
    b'{"characteristic": "2A9D", "hex": null}',
    b'{"characteristic": "2A9D", "hex": "00b036", "device_name": 1}',
    b'{"characteristic": "2A9D", "hex": "00b03"}',
    b'{"characteristic": "2A9D", "hex": "00b0zz"}',
    b'{"characteristic": "2A9D", "hex": ""}',
    b'{"characteristic": "2A9D", "hex": "' + b"00" * 600 + b'"}',
    b'{"characteristic": "2A99", "hex": "00b036"}',
    b'{"characteristic": "\\ud800", "hex": "00"}',
    b'{"characteristic": "\\u0000", "hex": "00"}',
    b'{"characteristic": "2A9D", "hex": "\xff\xfe"}',
    b"\xff\xfe\x00",
    b'{"x":' * 5000,
    b"[" * 100_000,
]


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = "from hemkurva.commands.decode import decode; decode()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], input=stdin, capture_output=True, timeout=20, check=False
    )


def test_it_prints_the_values_as_json():
    done = run("2a9d", GOOD["hex"])
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == VALUES


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["2A9D", "00b0"], "truncated"),
        (["2A99", "00b036"], "known are 2A08"),
        (["2A9D", "00b0zz"], "not hexadecimal"),
        (["2A9D", "00b03"], "one is missing"),
        (["2A9D"], "Give CHARACTERISTIC"),
        ([], "Give CHARACTERISTIC"),
        (["--jsonl", "2A9D", "00b036"], "leave out"),
    ],
)
def test_what_cannot_be_read_is_said_in_words_with_code_2(arguments: list[str], complaint: str):
    result = CliRunner().invoke(decode, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr


def test_a_time_is_iso_without_a_zone_and_a_device_name_is_taken():
    frame = "0e783eea07050c12353601ee002607"
    result = CliRunner().invoke(decode, ["2A9D", frame, "--device-name", "BF720"])
    assert json.loads(result.stdout)["taken_at"] == "2026-05-12T18:53:54"


@pytest.mark.parametrize("text", ["0C B0 36 05 F5 00 D6 06", "0x0cb03605f500d606", "0c:b0:36:05:f5:00:d6:06"])
def test_hexadecimal_as_people_paste_it(text: str):
    assert json.loads(CliRunner().invoke(decode, ["2A9D", text]).stdout) == VALUES


def test_each_line_has_its_answer_whatever_came_before():
    good = json.dumps(GOOD).encode()
    lines = [line for bad in BAD_LINES for line in (bad, good)]
    done = run("--jsonl", stdin=b"\n".join(lines))
    assert (done.returncode, done.stderr) == (0, b"")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines)
    for bad, (refused, read) in zip(BAD_LINES, zip(answers[::2], answers[1::2], strict=True), strict=True):
        assert set(refused) == {"ok", "error"}, bad[:60]
        assert refused["ok"] is False
        assert refused["error"]
        assert read == {"ok": True, "values": VALUES}


@given(st.binary(max_size=60).filter(lambda line: b"\n" not in line))
def test_any_line_has_an_answer_of_one_line(line: bytes):
    reply = answer(line)
    assert b"\n" not in reply
    assert json.loads(reply)["ok"] is False


def test_it_loads_neither_radio_nor_database():
    program = (
        "import sys, hemkurva.commands.decode; "
        "print([m for m in ('bleak', 'bumble', 'psycopg', 'fastapi', 'paho') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=20, check=True)
    assert done.stdout.strip() == b"[]"
