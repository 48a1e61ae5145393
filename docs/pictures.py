"""The pictures of MLflow's pages in docs/pictures: `make pictures`, or `python docs/pictures.py [MODEL]`.

MODEL is a registered model, by default that of the quick experiment, which is trained first where it is not registered yet.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from mtl_models.home import home, home_folder
from pipelines.environment import prepare

if TYPE_CHECKING:
    from steps.tracking.versions import Version

FOLDER = Path(__file__).parent / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SIZE = {"width": 1200, "height": 860}
COLOURS = 64
MOST_BYTES = 150_000
QUICK = "polytask-quick"


def main() -> None:
    """Make every picture anew."""
    model = sys.argv[1] if len(sys.argv) > 1 else QUICK
    prepare()
    from steps.tracking.client import connect
    from steps.tracking.versions import list_versions

    if model == QUICK and not list_versions(model):
        polytask("run", "configs/quick.yaml")
    # The first version is of the training pipeline; a fine-tuned one has the corpora of its new tasks only.
    version = list_versions(model)[-1]
    run = connect().get_run(str(version.run_id)).info
    answer_texts(version.uri, next(iter(tasks_of(version))))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([*COMMAND, "ui", "--port", str(port)])  # noqa: S603
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        with sync_playwright() as playwright:
            page = playwright.chromium.launch(executable_path=browser(), args=SWITCHES).new_page(viewport=SIZE)
            page.set_default_timeout(120_000)
            at = f"http://127.0.0.1:{port}/#"
            take(page, at, f"{at}/experiments/{run.experiment_id}/runs/{run.run_id}", model, version.number)
    finally:
        server.terminate()
        server.wait()


def take(page: Page, at: str, run: str, model: str, version: int) -> None:
    """Open page after page; a picture is taken once what it is about can be seen."""
    page.goto(run)
    page.get_by_role("button", name="Close").click()  # an assistant beside the page that is not set up
    page.get_by_role("link", name="twin").first.wait_for()
    page.get_by_role("link", name=model).first.wait_for()
    keep(page, "mlflow-run")
    page.goto(f"{run}/model-metrics")
    page.get_by_placeholder("Search metric charts").fill("/dev/(loss|macro_f1)$")
    page.locator(".js-plotly-plot .scatterlayer .point").nth(20).wait_for()
    keep(page, "mlflow-curves")
    page.goto(f"{run}/artifacts")
    page.get_by_text("report.html").click()
    page.frame_locator("iframe").get_by_role("heading", name="Results").wait_for()
    page.get_by_text("Path:", exact=False).first.evaluate("line => line.style.visibility = 'hidden'")  # of this machine
    keep(page, "mlflow-report")
    page.goto(f"{at}/models/{model}")
    page.get_by_role("link", name="Version 1").wait_for()
    keep(page, "mlflow-model")
    page.goto(f"{at}/models/{model}/versions/{version}")
    page.get_by_role("heading", name="Intended use").wait_for()
    keep(page, "mlflow-card")
    page.goto((home_folder("reports", model) / "batch.html").as_uri())
    page.get_by_role("heading", name="Drift").wait_for()
    keep(page, "batch", whole=True)


def keep(page: Page, name: str, whole: bool = False) -> None:
    """Write what is shown, or the whole page, as a PNG of few colours."""
    page.mouse.move(5, 5)  # tools that appear under the pointer
    page.wait_for_timeout(1500)  # movements end
    shown = Image.open(io.BytesIO(page.screenshot(full_page=whole))).convert("RGB")
    path = FOLDER / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path}: {size:,} bytes")
    if size > MOST_BYTES:
        sys.exit(f"{path} is larger than {MOST_BYTES:,} bytes; use fewer colours")


COMMAND = [sys.executable, "-c", "from pipelines.cli import main; main()"]


def polytask(*words: str, folder: Path | None = None) -> None:
    """A command, as typed in `folder`."""
    subprocess.run([*COMMAND, *words], check=True, cwd=folder, env=os.environ | {"POLYTASK_HOME": str(home())})  # noqa: S603


def tasks_of(version: Version) -> tuple[str, ...]:
    """The tasks of a registered version."""
    from mtl_models.networks.folder import load_model
    from steps.tracking.registry import download

    return tuple(task.name for task in load_model(download(version.uri)).tasks)


def answer_texts(model: str, task: str) -> None:
    """A batch of the tutorial's made messages, so that there is a page of drift to show."""
    folder = home_folder("reports")
    subprocess.run([sys.executable, str(Path(__file__).parent / "tutorial" / "messages.py"), str(folder / "messages.csv")], check=True)  # noqa: S603
    polytask("batch", "messages.csv", "--model", model, "--task", task, "--out", "messages.parquet", folder=folder)


def browser() -> str:
    """POLYTASK_CHROMIUM, else the first of the usual names."""
    found = os.environ.get("POLYTASK_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or sys.exit(f"no browser: none of {', '.join(BROWSERS)} is on the path; name one with POLYTASK_CHROMIUM")


def wait_for(url: str) -> None:
    """Return once the server answers."""
    for _ in range(600):
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    sys.exit(f"{url} does not answer")


if __name__ == "__main__":
    main()
