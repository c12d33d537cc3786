"""datapackage.json: the release as a Frictionless Data Package (v1), its table schemas made from the Arrow schemas."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from pipelines.outlet.manifest import sha256
from schemas.card import Card
from schemas.manifest import CARD_FILE, ESTIMATES_FILE, MEASUREMENTS_FILE, REPORT_FILE, SUMMARY_FILE
from schemas.released import ESTIMATES_SCHEMA, MEASUREMENTS_SCHEMA, REASONS, SUMMARY_SCHEMA

PARQUET_FILES: dict[str, pa.Schema] = {
    MEASUREMENTS_FILE: MEASUREMENTS_SCHEMA,
    ESTIMATES_FILE: ESTIMATES_SCHEMA,
    SUMMARY_FILE: SUMMARY_SCHEMA,
}
"""The released Parquet files and their schemas."""

_TITLES = {
    MEASUREMENTS_FILE: (
        "Noisy measurements",
        "The noisy integers as measured, negatives included. One row per cell of a table.",
    ),
    ESTIMATES_FILE: ("Estimates", "Consistent estimates made from the measurements. One row per cell of a table."),
    SUMMARY_FILE: ("Summary", "Finished figures with margins. One row per question, group and statistic."),
    CARD_FILE: ("Release card", "What was protected and how, for residents and for experts."),
    REPORT_FILE: ("Report", "One offline page to read and print."),
}
_MEDIA = {CARD_FILE: "application/json", REPORT_FILE: "text/html"}


def _type_of(field: pa.Field) -> str:
    if pa.types.is_boolean(field.type):
        return "boolean"
    if pa.types.is_integer(field.type):
        return "integer"
    return "number" if pa.types.is_floating(field.type) else "string"


def _field(field: pa.Field) -> dict[str, Any]:
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    described: dict[str, Any] = {
        "name": field.name,
        "type": _type_of(field),
        "description": metadata.get("description", ""),
    }
    if "unit" in metadata:
        described["unit"] = metadata["unit"]
    if not field.nullable:
        described["constraints"] = {"required": True}
    if field.name == "reason":
        described["description"] += ": " + "; ".join(f"{code} = {words}" for code, words in REASONS.items())
        described.pop("constraints")  # an empty text is a value here, and would read as missing
    return described


def _resource(name: str, content: bytes) -> dict[str, Any]:
    title, description = _TITLES[name]
    resource: dict[str, Any] = {
        "name": name.partition(".")[0],
        "path": name,
        "title": title,
        "description": description,
        "hash": f"sha256:{sha256(content)}",
    }
    schema = PARQUET_FILES.get(name)
    if schema is None:  # no byte count for Parquet: Frictionless cannot count it and calls it wrong
        return resource | {
            "format": name.rpartition(".")[2],
            "mediatype": _MEDIA[name],
            "encoding": "utf-8",
            "bytes": len(content),
        }
    return resource | {
        "profile": "tabular-data-resource",
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "schema": {"fields": [_field(f) for f in schema]},
    }


def datapackage_bytes(card: Card, files: Mapping[str, bytes]) -> bytes:
    """The package over the files written before it (all but itself and the manifest)."""
    loss = card.expert.privacy_loss
    package = {
        "profile": "data-package",
        "name": f"{card.survey}-{card.wave}".lower(),
        "id": card.release_id,
        "title": f"{card.title} ({card.wave})",
        "description": card.expert.product.description,
        "created": card.time,
        "resources": [_resource(name, content) for name, content in files.items()],
        "hearsafe": {
            "release_id": card.release_id,
            "survey": card.survey,
            "wave": card.wave,
            "charge_nano_rho": loss.charge_nano_rho,
            "charge_nano_pure_epsilon": loss.charge_nano_pure_epsilon,
            "rho": loss.privacy_parameters.rho,
            "epsilon": loss.privacy_parameters.epsilon,
            "delta": loss.privacy_parameters.delta,
            "ledger_head": card.ledger.head.model_dump(mode="json"),
            "public_key_fingerprint": card.ledger.fingerprint,
        },
    }
    return (json.dumps(package, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
