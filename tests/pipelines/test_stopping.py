"""What a user loses if these fail: Ctrl-C that is told as a fault, or a fault that is told as Ctrl-C."""

from __future__ import annotations

import pytest
import typer
from zenml.exceptions import RunInterruptedException

from pipelines.commands.stopping import INTERRUPTED, stoppable


def test_what_breaks_while_ctrl_c_is_dealt_with_is_part_of_stopping(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as stopped, stoppable():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise OSError("database is locked")  # noqa: B904  # as a library does that fails in its own clearing up
    assert stopped.value.exit_code == INTERRUPTED
    assert "the same command goes on from there" in capsys.readouterr().err


def test_a_step_that_zenml_ends_at_a_signal_is_stopped() -> None:
    with pytest.raises(typer.Exit) as stopped, stoppable():
        raise RunInterruptedException("The execution was interrupted.")
    assert stopped.value.exit_code == INTERRUPTED


def test_a_fault_of_its_own_stays_one() -> None:
    with pytest.raises(OSError, match="disk full"), stoppable():
        raise OSError("disk full")
    with pytest.raises(typer.Exit) as left, stoppable():
        raise typer.Exit(3)
    assert left.value.exit_code == 3
