"""The built files are what the sources give, small enough, and keep to themselves."""

import gzip
import json
import re
import shutil
import subprocess

import pytest

from assistant import paths
from assistant.rasa.assets import load_assets

WIDGET = paths.ROOT / "widget"
DIST = WIDGET / "dist"
LOADER_MOST, ALL_MOST = 2 * 1000, 45 * 1000


def scripts():
    return [
        DIST / "widget.js",
        *sorted((DIST / "assets").glob("panel-*.js")),
        *sorted((DIST / "assets").glob("es-*.js")),
    ]


def packed(path):
    return path.with_name(path.name + ".gz").stat().st_size


@pytest.mark.slow
def test_the_built_files_are_what_the_sources_give():
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip(
            "Node.js is not installed: `apt-get install nodejs npm`; running the assistant does not"
            " need it, building the widget does"
        )
    subprocess.run(
        ["make", "widget-packages"], cwd=paths.ROOT, check=True, capture_output=True, timeout=300
    )
    done = subprocess.run(
        ["npm", "run", "--silent", "check"], cwd=WIDGET, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_sizes():
    loader, panel, spanish = (packed(path) for path in scripts())
    assert loader <= LOADER_MOST
    assert loader + panel + spanish <= ALL_MOST


def test_every_file_lies_there_compressed_and_nothing_else():
    for name, asset in load_assets().items():
        assert set(asset.bodies) == {"identity", "br", "gzip"}, name
        assert gzip.decompress(asset.bodies["gzip"]) == asset.bodies["identity"], name
    assert len(list((DIST / "assets").glob("panel-*.js"))) == 1


def test_no_address_of_another_host_is_called():
    for path in scripts():
        addresses = set(re.findall(r"https?://[\w.-]+", path.read_text("utf-8")))
        # Name spaces of SVG and MathML; where marked wants errors reported.
        assert addresses <= {"http://www.w3.org", "https://github.com"}, (
            path.name,
            addresses,
        )


def test_exact_versions_and_no_registry_in_the_lock_file():
    wanted = json.loads((WIDGET / "package.json").read_text("utf-8"))
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert {"lit", "marked", "dompurify", "esbuild"} <= set(versions)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    lock = json.loads((WIDGET / "package-lock.json").read_text("utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["version"] == versions.get(
            name.removeprefix("node_modules/"), package["version"]
        )
