"""The command line as people meet it: help at once, faults in one line, exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = [
    ["run"],
    ["check"],
    ["predict"],
    ["batch"],
    ["trace"],
    ["explain"],
    ["models"],
    ["models", "list"],
    ["models", "show"],
    ["models", "rollback"],
    ["ui"],
    ["schema"],
    ["clean"],
]


def polytask(*words: str, home: Path | None = None, cwd: Path | None = None, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"POLYTASK_HOME": str(home)} if home else {}) | {"COLUMNS": "200", "NO_COLOR": "1"}
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *words]
    return subprocess.run(command, env=environment, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_teaches_with_an_example(words):
    told = polytask(*words, "--help")
    assert told.returncode == 0
    if words != ["models"]:
        assert f"Example: polytask {' '.join(words)}" in told.stdout


def test_help_imports_nothing_heavy():
    code = "import sys; sys.argv = ['polytask', '--help']\nfrom pipelines.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "print('HEAVY', sorted({'torch', 'zenml', 'mlflow', 'datasets', 'sklearn', 'pandas', 'numpy', 'pydantic'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in told.stdout


def test_version():
    assert polytask("--version").stdout.startswith("polytask 0.")


def test_a_config_fault_is_told_without_a_traceback(tmp_path):
    (tmp_path / "x.yaml").write_text("name: x\ntasks: {a: a.csv}\ntrainin: {}\n")
    told = polytask("run", "x.yaml", cwd=tmp_path, home=tmp_path / "home")
    assert told.returncode == 2
    assert "error: x.yaml:3: trainin: unknown key 'trainin'; did you mean 'training'?" in told.stderr
    assert "Traceback" not in told.stderr


def test_clean_asks_and_obeys(tmp_path):
    home = tmp_path / "home"
    for ours in ("downloads", "studies"):
        (home / ours).mkdir(parents=True)
    assert polytask("clean", home=home, stdin="n\n").returncode == 1
    assert home.exists()
    assert polytask("clean", home=home, stdin="y\n").returncode == 0
    assert not home.exists()
    assert "nothing to remove" in polytask("clean", "--yes", home=home).stdout


def test_clean_refuses_a_folder_with_things_of_others(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    told = polytask("clean", "--yes", home=tmp_path)
    assert told.returncode == 2
    assert "thesis.tex" in told.stderr
    assert (tmp_path / "thesis.tex").exists()


def test_schema_is_written_where_asked(tmp_path):
    assert polytask("schema", "--out", "s.json", cwd=tmp_path).returncode == 0
    assert '"Polytask experiment"' in (tmp_path / "s.json").read_text()
