"""Releases in a real object store: whole or not there, never overwritten, and verified from it by anybody."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow.fs import FileSelector, S3FileSystem

from pipelines.outlet.object_store import publish_to_store, read_stored
from pipelines.outlet.publish import publish
from pipelines.outlet.verify import verify_files
from schemas.errors import IntegrityFault, ZoneFault
from schemas.manifest import MANIFEST_FILE, RELEASED_FILES
from tests.outlet_sample import Sample, make_sample
from tests.s3_server import BUCKET, ObjectStore, running_store
from tests.system.city import build_city
from tests.system.command import ROOT, hearsafe

pytestmark = [pytest.mark.needs_s3, pytest.mark.extended, pytest.mark.xdist_group("s3")]

_KILLED = """
import os, sys
from pathlib import Path
from pipelines.outlet import object_store
plain, left = object_store._put, [int(sys.argv[1])]
def put(*arguments):
    if not left[0]:
        os._exit(9)
    left[0] -= 1
    plain(*arguments)
object_store._put = put
object_store.publish_to_store(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with running_store(tmp_path_factory.mktemp("s3")) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.credentials.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def sample() -> Sample:
    return make_sample(ratings=3, people=300)


@pytest.fixture(scope="module")
def folder(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("published") / "release"
    publish(made, sample.context, sample.released, sample.estimates, sample.summary, sample.sign)
    return made


def _key(sample: Sample) -> str:
    return sample.context.ledger_public_key


def _id(sample: Sample) -> str:
    plan = sample.context.plan
    return f"{plan.survey}/{plan.wave}/{sample.context.charge.release_id}"


def _files(store: ObjectStore) -> S3FileSystem:
    return S3FileSystem(endpoint_override=store.endpoint, scheme="http", region="us-east-1")


def test_what_is_read_from_the_store_is_what_was_published(store: ObjectStore, sample: Sample, folder: Path) -> None:
    url = store.below("plain")
    publish_to_store(url, folder, _key(sample))
    found = read_stored(store.below("plain", _id(sample)))
    assert found == {name: (folder / name).read_bytes() for name in (MANIFEST_FILE, *RELEASED_FILES)}
    assert verify_files(found).release_id == sample.context.charge.release_id
    places = FileSelector(f"{BUCKET}/plain/{_id(sample)}")
    before = {entry.base_name: entry.mtime_ns for entry in _files(store).get_file_info(places)}
    publish_to_store(url, folder, _key(sample))
    assert {entry.base_name: entry.mtime_ns for entry in _files(store).get_file_info(places)} == before


@pytest.mark.parametrize("written", [0, 1, len(RELEASED_FILES)])
def test_a_run_killed_before_the_manifest_has_published_nothing_and_the_next_completes_it(
    store: ObjectStore, sample: Sample, folder: Path, written: int
) -> None:
    prefix = f"killed-{written}"
    command = [sys.executable, "-c", _KILLED, str(written), store.below(prefix), str(folder), _key(sample)]
    assert subprocess.run(command, cwd=ROOT).returncode == 9
    with pytest.raises(IntegrityFault, match="not whole yet"):
        read_stored(store.below(prefix, _id(sample)))
    publish_to_store(store.below(prefix), folder, _key(sample))
    assert verify_files(read_stored(store.below(prefix, _id(sample)))).confirmed is False


def test_a_reader_beside_the_publication_sees_all_of_it_or_nothing(
    store: ObjectStore, sample: Sample, folder: Path
) -> None:
    address, seen, done = store.below("beside", _id(sample)), [], threading.Event()

    def read() -> None:
        while not seen or seen[-1] != "whole":
            try:
                verify_files(read_stored(address))
                seen.append("whole")
            except IntegrityFault as fault:
                seen.append(fault.code)
            if done.is_set() and len(seen) > 1000:
                return

    reader = threading.Thread(target=read)
    reader.start()
    while not seen and reader.is_alive():
        time.sleep(0.01)
    publish_to_store(store.below("beside"), folder, _key(sample))
    done.set()
    reader.join(timeout=120)
    assert set(seen) == {"release_missing", "whole"}


def test_another_release_in_the_place_is_refused_and_stays(store: ObjectStore, sample: Sample, folder: Path) -> None:
    url = store.below("taken")
    publish_to_store(url, folder, _key(sample))
    place = f"{BUCKET}/taken/{_id(sample)}"
    with _files(store).open_output_stream(f"{place}/report.html") as other:
        other.write(b"forged")
    with pytest.raises(IntegrityFault, match="not the one that was signed"):
        publish_to_store(url, folder, _key(sample))
    with pytest.raises(IntegrityFault, match="not the one that was signed"):
        verify_files(read_stored(store.below("taken", _id(sample))))
    _files(store).delete_file(f"{place}/report.html")
    with _files(store).open_output_stream(f"{place}/note.txt") as other:
        other.write(b"mine")
    with pytest.raises(IntegrityFault, match="does not belong"):
        read_stored(store.below("taken", _id(sample)))


def test_a_store_that_refuses_is_a_fault_that_holds_no_secret(
    store: ObjectStore, sample: Sample, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    with pytest.raises(ZoneFault) as caught:
        publish_to_store(store.below("refused"), folder, _key(sample))
    assert caught.value.code == "store_unreachable"
    assert "canary" not in caught.value.line()
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_from_export_to_a_verified_release_in_the_store(store: ObjectStore, tmp_path: Path) -> None:
    build_city(tmp_path, residents=200)
    url = store.below("city")
    take = ("ingest", ".", "--source", "web=export.csv", "--contacts", "contacts.csv")
    done = hearsafe("--store", url, *take, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    wrong = hearsafe("release", ".", cwd=tmp_path, environment={"AWS_SECRET_ACCESS_KEY": "wrong"})
    assert (wrong.returncode, "object store" in wrong.stderr) == (5, True)
    done = hearsafe("release", ".", cwd=tmp_path)
    assert (done.returncode, done.stderr, "nothing charged" in done.stdout) == (0, "", True)
    name = Path(done.stdout.strip().splitlines()[-1]).name
    stored = store.below("city", "testville", "2026", name)
    verified = hearsafe("verify", stored, "--json", cwd=tmp_path)
    assert (verified.returncode, json.loads(verified.stdout)["release_id"]) == (0, name)
    kinds = json.loads(hearsafe("budget", "--json", cwd=tmp_path).stdout)["unpublished"]
    assert kinds == []
    other = hearsafe("--store", store.below("elsewhere"), "budget", cwd=tmp_path)
    assert (other.returncode, "another object store" in other.stderr) == (2, True)
    missing = hearsafe("verify", store.below("city", "testville", "2026", "none"), cwd=tmp_path)
    assert (missing.returncode, "no release here" in missing.stderr) == (7, True)
