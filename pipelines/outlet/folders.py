"""Where releases are: the folders of finished ones under a workspace's `releases`."""

from pathlib import Path


def release_folders(releases: Path) -> list[Path]:
    """Every release folder under a workspace's `releases`, hidden ones (unfinished) left out."""
    return sorted(path for path in releases.glob("[!.]*/[!.]*/[!.]*") if path.is_dir())
