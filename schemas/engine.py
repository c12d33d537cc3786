"""Where responses are counted when it is not in the zone: a Spark cluster of the operator's, named in policy.yaml."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from schemas.base import Declared

TOKEN_VARIABLE = "HEARSAFE_SPARK_TOKEN"  # noqa: S105  (its name)
"""Environment variable with the pre-shared key of a Spark Connect server, where it asks for one."""

_ADDRESS = re.compile(r"sc://([A-Za-z0-9][A-Za-z0-9.-]*):([0-9]{1,5})(/;use_ssl=true)?")
_ROWS = re.compile(r"[a-z][a-z0-9+-]*://[A-Za-z0-9._/-]*[A-Za-z0-9_-]")
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})


def _address_form(address: str) -> str:
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError("a Spark Connect server is written sc://HOST:PORT/;use_ssl=true, without token or user")
    if found[1] not in _LOOPBACK and found[3] is None:
        raise ValueError("counts cross the network: a server on another machine needs /;use_ssl=true")
    return address


def _rows_form(rows: str) -> str:
    if _ROWS.fullmatch(rows) is None or "/../" in f"{rows}/":
        raise ValueError("a folder that the cluster reads and writes, such as s3a://bucket/folder, without credentials")
    return rows


class Engine(Declared):
    """A remote engine. The coded responses are kept in its store, in clear, and counted there.

    `address`: the Spark Connect server. `rows`: the folder, in the cluster's own terms, under which it keeps them.
    """

    kind: Literal["spark"]
    address: Annotated[str, AfterValidator(_address_form)]
    rows: Annotated[str, AfterValidator(_rows_form)]
