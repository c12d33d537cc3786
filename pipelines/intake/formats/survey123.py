"""ArcGIS Survey123 exports: choice names joined by commas, and the columns of a feature layer."""

from pipelines.intake.formats.kind import ExportKind

SURVEY123 = ExportKind(
    "survey123",
    marks=frozenset({"objectid", "globalid", "creationdate", "creator", "editdate", "editor"}),
    marks_needed=3,
    identity=("ObjectID", "GlobalID", "Creator", "Editor", "x", "y"),
    service=("CreationDate", "EditDate", "Shape"),
    time=("CreationDate", "EditDate"),
    time_patterns=("%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"),
)
