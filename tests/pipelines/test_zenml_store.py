"""ZenML's database: one that was cut off while being laid out is made anew, a whole one is left alone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.pipeline

CODE = """
from pipelines.environment import prepare
from pipelines.zenml_store import lay_out_store
prepare()
lay_out_store()
from zenml.client import Client
print(Client().active_stack.name, Client().active_user.name)
"""


def lay_out(home: Path) -> str:
    environment = os.environ | {"POLYTASK_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_half_made_database_is_made_anew_and_a_whole_one_kept(tmp_path):
    path = tmp_path / "artifacts" / "zenml" / "default_zen_store" / "zenml.db"
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE stack (id TEXT)")
    (tmp_path / "zenml").mkdir()
    (tmp_path / "zenml" / "config.yaml").write_bytes(b"")
    assert lay_out(tmp_path) == "default default"
    made = path.stat().st_ino
    assert lay_out(tmp_path) == "default default"
    assert path.stat().st_ino == made
