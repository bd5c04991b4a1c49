"""Connection strings, without a server."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from storage.database import dsn_as


@pytest.mark.parametrize("role", [None, "hemkurva_alerts", "hemkurva_web"])
def test_a_server_that_silently_goes_is_noticed_within_half_a_minute(role: str | None) -> None:
    made = conninfo_to_dict(dsn_as("host=db dbname=hemkurva", role))
    assert int(str(made["connect_timeout"])) <= 10
    assert int(str(made["tcp_user_timeout"])) <= 10_000
    idle, interval, count = (int(str(made[f"keepalives_{name}"])) for name in ("idle", "interval", "count"))
    assert idle + interval * count <= 30


def test_what_the_operator_has_written_is_kept() -> None:
    made = conninfo_to_dict(dsn_as("postgresql://db/hemkurva?tcp_user_timeout=60000", "hemkurva_web"))
    assert made["tcp_user_timeout"] == "60000"
    assert made["connect_timeout"] == "5"


def test_a_role_that_the_schema_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="hemkurva_web"):
        dsn_as("host=db", "postgres")
