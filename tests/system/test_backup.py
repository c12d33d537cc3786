"""The backup of docs/operations.md: its commands run, and what is lost afterwards comes back from them."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.system.city import build_city
from tests.system.command import hearsafe


def test_a_lost_ledger_zone_and_keys_come_back_from_the_backup(root: Path, tmp_path: Path) -> None:
    city = build_city(tmp_path / "city", residents=80)
    source = ("--source", city.export, "--contacts", city.contacts)
    for verb in (("ingest", city.folder, *source), ("release", city.folder)):
        assert hearsafe(*verb, cwd=tmp_path).returncode == 0
    before = hearsafe("budget", "--json", cwd=tmp_path).stdout
    guide = (root / "docs" / "operations.md").read_text(encoding="utf-8")
    (block,) = [text for text in re.findall(r"^```sh\n(.*?)^```", guide, re.MULTILINE | re.DOTALL) if "tar" in text]
    subprocess.run(["sh", "-ec", block], cwd=tmp_path, check=True)
    workspace = tmp_path / "hearsafe-workspace"
    for name in ("ledger", "zone", "keys"):
        shutil.rmtree(workspace / name)
    assert hearsafe("release", city.folder, cwd=tmp_path).returncode != 0
    shutil.rmtree(workspace / "ledger", ignore_errors=True)
    for name in ("ledger", "zone", "keys"):
        restore = f"tar -xzf {name}.tar.gz -C hearsafe-workspace"
        if name == "ledger":
            assert restore in guide
        subprocess.run(restore.split(), cwd=tmp_path, check=True)
    assert hearsafe("budget", "--json", cwd=tmp_path).stdout == before
    again = hearsafe("release", city.folder, cwd=tmp_path)
    assert again.stdout.startswith("nothing charged: this plan on this snapshot was paid for before")
