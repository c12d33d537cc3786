"""What is published is a function of the measurements: not of the process that publishes them."""

import shutil
from pathlib import Path

from tests.system.city import POLICY, build_city
from tests.system.command import hearsafe


def test_a_release_published_again_by_other_processes_has_the_same_bytes(tmp_path: Path) -> None:
    """Python orders sets by a seed of each process."""
    city = build_city(tmp_path, residents=400)
    city.declare(policy=POLICY)
    take = ("ingest", ".", "--source", "web=export.csv", "--contacts", "contacts.csv")
    assert hearsafe(*take, cwd=city.folder).returncode == 0
    published: list[dict[str, bytes]] = []
    for seed in ("1", "2", "3"):
        done = hearsafe("release", ".", cwd=city.folder, environment={"PYTHONHASHSEED": seed})
        assert (done.returncode, done.stderr) == (0, "")
        folder = next(Path(line) for line in done.stdout.splitlines() if "/releases/" in line)
        whole = folder if folder.is_absolute() else city.folder / folder
        published.append({path.name: path.read_bytes() for path in sorted(whole.iterdir())})
        shutil.rmtree(whole)
    assert len(published[0]) > 5
    assert published[1] == published[0] and published[2] == published[0]
