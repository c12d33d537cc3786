"""Riverbend's files as a survey platform, a survey firm and a CRM would export them, names and addresses included."""

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from pipelines.riverbend.answers import DEMOGRAPHICS, QUESTIONS
from pipelines.riverbend.residents import Resident
from pipelines.riverbend.responses import Response

_METADATA = (
    *("StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration (in seconds)", "Finished", "RecordedDate"),
    *("ResponseId", "RecipientLastName", "RecipientFirstName", "RecipientEmail", "ExternalReference"),
    *("LocationLatitude", "LocationLongitude", "DistributionChannel", "UserLanguage", "Q_RecaptchaScore"),
)
_CONTACT = ("Id", "LastName", "FirstName", "MailingStreet", "MailingCity", "Phone", "Email", "CreatedDate")
_TIME = "%Y-%m-%d %H:%M:%S"
_WEB_ONLY = "Q3_5"


def write_web(path: Path, responses: Iterable[Response]) -> None:
    """A Qualtrics export: three header rows, byte-order mark, carriage returns."""
    columns = (*_METADATA, "InsideCity", *QUESTIONS, *DEMOGRAPHICS)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerow([_label(column) for column in columns])
        writer.writerow([_import_id(column) for column in columns])
        for response in responses:
            answered = [response.codes[column] for column in (*QUESTIONS, *DEMOGRAPHICS)]
            writer.writerow([*_metadata(response), "YES" if response.inside else "NO", *answered])


def write_mail(path: Path, responses: Iterable[Response]) -> None:
    """A survey firm's keyed-in paper forms: semicolons, Windows-1252, its own names for some columns."""
    answered = [column for column in (*QUESTIONS, *DEMOGRAPHICS) if column != _WEB_ONLY]
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(["Form", "Received", "Name", "Street", "E-mail", "Inside city", *answered])
        for form, response in enumerate(responses, start=1):
            person = response.resident
            name, received = f"{person.first} {person.last}", response.at.strftime("%m/%d/%Y")
            identity = [form, received, name, person.street, response.email]
            codes = [response.codes[column].replace("-99", "") for column in answered]
            writer.writerow([*identity, "YES" if response.inside else "NO", *codes])


def write_contacts(path: Path, people: Sequence[Resident]) -> None:
    """A Salesforce export of the residents that the city has verified."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_CONTACT)
        for person in people:
            phone = f"(555) 555-{person.number % 10_000:04d}"
            row = [f"003RB{person.number:010d}AAA", person.last, person.first, person.street, "Riverbend", phone]
            writer.writerow([*row, person.email, "2024-01-15T09:00:00.000Z"])


def _label(column: str) -> str:
    if column in _METADATA:
        return column
    return "Do you live inside the city?" if column == "InsideCity" else f'Question "{column}",\nplease choose'


def _import_id(column: str) -> str:
    first = {"ImportId": "startDate", "timeZone": "Etc/UTC"} if column == "StartDate" else {"ImportId": f"QID{column}"}
    return json.dumps(first, separators=(",", ":"))


def _metadata(response: Response) -> list[str]:
    person, token = response.resident, hashlib.sha256(f"response/{response.number}".encode()).hexdigest()
    seconds = 240 + int(token[:3], 16) // 4
    ended = response.at.strftime(_TIME)
    return [
        (response.at - timedelta(seconds=seconds)).strftime(_TIME),
        ended,
        "Survey Preview" if response.preview else "IP Address",
        f"198.51.100.{int(token[:2], 16)}",
        "100" if response.finished else "41",
        str(seconds),
        str(response.finished),
        ended,
        f"R_{token[:15]}",
        person.last,
        person.first,
        response.email,
        "",
        f"{45 + int(token[2:6], 16) / 1e6:.4f}",
        f"{-150 - int(token[6:10], 16) / 1e6:.4f}",
        "email" if person.number % 3 else "anonymous",
        "ES" if person.number % 7 == 0 else "EN",
        f"0.{5 + int(token[10], 16) % 5}",
    ]
