"""Synthetic exports of every survey system: invented residents, the header and the quirks of the real thing.

Four residents of each export answer in the same way, so that one expectation serves all: Ana rates 2 and ticks two
services, Ben rates 1 and ticks one, Eva's answer is one she did not give, Leo has answered before and is counted once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

BOM = "\ufeff"
RATING = {"1": "Excellent", "2": "Good", "3": "Fair", "4": "Poor", "5": {"label": "Don't know", "role": "no_opinion"}}
TEXTS = {
    code: {"label": label if isinstance(label, str) else label["label"], "also": [label if isinstance(label, str) else label["label"]]}
    | ({} if isinstance(label, str) else {"role": label["role"]})
    for code, label in RATING.items()
}  # fmt: skip
EMAIL = {"normalise": "email"}
BY_EMAIL = ["ana", "ben", "eva", "leo", "leo"]


@dataclass(frozen=True)
class ExportSample:
    """One export and its declaration.

    `write` makes the file in a folder. `quality` and `services`: what intake must find, response by response.
    `people`: who answered, to hold the pseudonyms against; None where the export has no resident key.
    """

    kind: str
    write: Callable[[Path], Path]
    source: dict[str, Any]
    residents: dict[str, Any]
    quality: dict[str, Any]
    services: dict[str, Any]
    expected_quality: list[str]
    expected_services: list[list[str]]
    complete: list[bool]
    people: list[str] | None
    missing: dict[str, str] = field(default_factory=dict)
    excluded: int = 0


def text(name: str, content: str, encoding: str = "utf-8") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode(encoding))
        return path

    return write


def workbook(name: str, rows: list[list[Any]]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        with xlsxwriter.Workbook(str(path), {"default_date_format": "m/d/yy h:mm:ss"}) as book:
            sheet = book.add_worksheet("Form1")
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    if value is not None:
                        sheet.write(number, column, value)
        return path

    return write


def _lines(*lines: str, end: str = "\r\n") -> str:
    return end.join(lines) + end


QUALTRICS = ExportSample(
    "qualtrics",
    text(
        "qualtrics.csv",
        BOM
        + _lines(
            "StartDate,EndDate,Status,IPAddress,Progress,Duration (in seconds),Finished,RecordedDate,ResponseId,"
            "RecipientLastName,RecipientFirstName,RecipientEmail,ExternalReference,LocationLatitude,LocationLongitude,"
            "DistributionChannel,UserLanguage,Q_RecaptchaScore,Q1_1,Q2,Q2_6_TEXT",
            "Start Date,End Date,Response Type,IP Address,Progress,Duration (in seconds),Finished,Recorded Date,"
            "Response ID,Recipient Last Name,Recipient First Name,Recipient Email,External Data Reference,"
            "Location Latitude,Location Longitude,Distribution Channel,User Language,Q_RecaptchaScore,"
            '"How do you rate\nthese? - Quality of life",Which services do you use?,Which services do you use? - Other - Text',
            '"{""ImportId"":""startDate"",""timeZone"":""America/Denver""}"'
            + "".join(f',"{{""ImportId"":""QID{i}""}}"' for i in range(20)),
            "2026-05-01 09:00:00,2026-05-01 09:05:00,IP Address,192.0.2.1,100,300,TRUE,2026-05-01 09:05:00,R_1,One,Ana,"
            'ana@example.org,EX-1,41.0,-111.0,email,EN,0.9,Good,"Buses, trams,Library",',
            "2026-05-01 09:00:00,2026-05-01 09:05:00,IP Address,192.0.2.2,100,300,TRUE,2026-05-01 09:06:00,R_2,Two,Ben,"
            "BEN@example.org ,EX-2,41.0,-111.0,email,EN,0.9,Excellent,Library,",
            "2026-05-01 09:00:00,2026-05-01 09:05:00,IP Address,192.0.2.3,100,300,TRUE,2026-05-01 09:07:00,R_3,Three,Eva,"
            "eva@example.org,EX-3,41.0,-111.0,email,EN,0.9,-99,-99,",
            "2026-05-01 09:00:00,2026-05-01 09:05:00,IP Address,192.0.2.4,40,300,FALSE,2026-05-01 09:08:00,R_4,Four,Leo,"
            "leo@example.org,EX-4,41.0,-111.0,email,EN,0.9,Poor,,",
            "2026-05-01 09:00:00,2026-05-01 09:05:00,IP Address,192.0.2.4,100,300,TRUE,2026-05-02 09:08:00,R_5,Four,Leo,"
            "Leo@Example.org,EX-4,41.0,-111.0,email,EN,0.9,Don't know,Other,the old mill",
            "2026-05-01 09:00:00,2026-05-01 09:05:00,Survey Preview,192.0.2.9,100,300,TRUE,2026-05-01 09:05:00,R_6,,,,,,,"
            "preview,EN,,Good,Library,",
        ),
    ),
    {
        "where": {"Status": ["IP Address", "0"]},
        "time": {"column": "RecordedDate", "pattern": "%Y-%m-%d %H:%M:%S"},
        "complete": {"column": "Finished", "in": ["TRUE", "1"]},
    },
    {"key": ["RecipientEmail"], **EMAIL},
    {"column": "Q1_1", "options": TEXTS},
    {"column": "Q2", "options": {"bus": {"label": "Buses, trams", "also": ["Buses, trams"]}, "lib": {"label": "Library", "also": ["Library"]}, "oth": {"label": "Other", "also": ["Other"]}}},
    ["2", "1", "_not_answered", "4", "5"],
    [["bus", "lib"], ["lib"], ["_not_answered"], ["_not_answered"], ["oth"]],
    [True, True, True, False, True],
    BY_EMAIL,
    {"": "not_answered", "-99": "not_answered"},
    excluded=1,
)  # fmt: skip

SURVEYMONKEY = ExportSample(
    "surveymonkey",
    text(
        "surveymonkey.csv",
        BOM
        + _lines(
            "Respondent ID,Collector ID,Start Date,End Date,IP Address,Email Address,First Name,Last Name,Custom Data 1,"
            '"How do you rate\nthe quality of life?",Which services do you use?,,,',
            ",,,,,,,,,Response,Library,\"Buses, trams\",None of the above,Other (please specify)",
            "118001,4401,05/01/2026 09:00:00 AM,05/01/2026 09:05:00 AM,192.0.2.1,ana@example.org,Ana,One,EX-1,Good,Library,\"Buses, trams\",,",
            "118002,4401,05/01/2026 09:00:00 AM,05/01/2026 09:06:00 AM,192.0.2.2,BEN@example.org,Ben,Two,EX-2,Excellent,Library,,,",
            "118003,4401,05/01/2026 09:00:00 AM,05/01/2026 01:07:00 PM,192.0.2.3,eva@example.org,Eva,Three,EX-3,,,,,the old mill",
            "118004,4401,05/01/2026 09:00:00 AM,05/01/2026 09:08:00 AM,192.0.2.4,leo@example.org,Leo,Four,EX-4,Poor,,,,",
            "118005,4401,05/01/2026 09:00:00 AM,05/02/2026 09:08:00 AM,192.0.2.4,leo@example.org,Leo,Four,EX-4,Don't know,,,None of the above,",
        ),
    ),
    {"time": {"column": "End Date", "pattern": "%m/%d/%Y %I:%M:%S %p"}},
    {"key": ["Email Address"], **EMAIL},
    {"column": "How do you rate the quality of life?", "options": TEXTS},
    {"columns": {"lib": "Which services do you use? | Library", "bus": "Which services do you use? | Buses, trams", "no": "Which services do you use? | None of the above"},
     "options": {"lib": "Library", "bus": "Buses, trams", "no": "None of the above"}},
    ["2", "1", "_not_answered", "4", "5"],
    [["lib", "bus"], ["lib"], ["_none"], ["_none"], ["no"]],
    [True, True, False, True, True],
    BY_EMAIL,
)  # fmt: skip

GOOGLE_FORMS = ExportSample(
    "google_forms",
    text(
        "google.csv",
        _lines(
            'Timestamp,Username,"How do you rate the quality of life?","Which services do you use?"',
            '2026/05/01 9:05:00 AM GMT-5,ana@example.org,Good,"Buses, trams, Library"',
            "2026/05/01 9:06:00 AM GMT-5,BEN@example.org,Excellent,Library",
            '2026/05/01 1:07:00 PM GMT-5,eva@example.org,,"the old mill, for the view"',
            "2026/05/01 9:08:00 AM GMT-5,leo@example.org,Poor,",
            "2026/05/02 9:08:00 AM GMT+5:30,leo@example.org,Don't know,Library",
            end="\n",
        ),
    ),
    {"time": {"column": "Timestamp", "pattern": "%Y/%m/%d %I:%M:%S %p %z"}},
    {"key": ["Username"], **EMAIL},
    {"column": "How do you rate the quality of life?", "options": TEXTS},
    {"column": "Which services do you use?", "separator": ", ", "options": {"Library": "Library", "Buses, trams": "Buses, trams"}},
    ["2", "1", "_not_answered", "4", "5"],
    [["Library", "Buses, trams"], ["Library"], ["_invalid"], ["_not_answered"], ["Library"]],
    [True, True, True, True, True],
    BY_EMAIL,
)  # fmt: skip


def _on(day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, 5, day, hour, minute)  # noqa: DTZ001 (a workbook's dates have no zone)


MICROSOFT_FORMS = ExportSample(
    "microsoft_forms",
    workbook(
        "microsoft.xlsx",
        [
            ["ID", "Start time", "Completion time", "Email", "Name", "Last modified time", "Quality of life?", "Which services do you use?\xa0"],
            [1, _on(1, 9, 0), _on(1, 9, 5), "ana@example.org", "Ana One", None, "Good", "Library;Buses, trams;"],
            [2, _on(1, 9, 0), _on(1, 9, 6), "BEN@example.org", "Ben Two", None, "Excellent", "Library;"],
            [3, _on(1, 9, 0), _on(1, 13, 7), "eva@example.org", "Eva Three", None, None, None],
            [4, _on(1, 9, 0), _on(1, 9, 8), "leo@example.org", "Leo Four", None, "Poor", ";"],
            [5, _on(1, 9, 0), "5/2/26 9:08:00", "leo@example.org", "Leo Four", None, "Don't know", "Library;"],
            [6, _on(1, 9, 0), _on(1, 9, 9), "anonymous", None, None, "Good", "Library;"],
        ],
    ),
    {"time": {"column": "Completion time", "pattern": "%m/%d/%y %H:%M:%S"}},
    {"key": ["Email"], **EMAIL},
    {"column": "Quality of life?", "options": TEXTS},
    {"column": "Which services do you use?", "separator": ";", "options": {"Library": "Library", "Buses, trams": "Buses, trams"}},
    ["2", "1", "_not_answered", "4", "5"],
    [["Library", "Buses, trams"], ["Library"], ["_not_answered"], ["_not_answered"], ["Library"]],
    [True, True, False, True, True],
    BY_EMAIL,
)  # fmt: skip

LIMESURVEY = ExportSample(
    "limesurvey",
    text(
        "limesurvey.csv",
        BOM
        + _lines(
            '"id";"submitdate";"lastpage";"startlanguage";"seed";"token";"startdate";"datestamp";"ipaddr";"refurl";"Q1";"Q2[SQ001]";"Q2[SQ002]";"Q2[other]";"interviewtime"',
            '"1";"2026-05-01 09:05:00";"3";"en";"77";"AB3-CD4";"2026-05-01 09:00:00";"2026-05-01 09:05:00";"192.0.2.1";"";"A2";"Y";"Y";"";"300.5"',
            '"2";"2026-05-01 09:06:00";"3";"en";"78";"ef5gh6";"2026-05-01 09:00:00";"2026-05-01 09:06:00";"192.0.2.2";"";"A1";"Y";"";"";"301"',
            '"3";"2026-05-01 13:07:00";"3";"en";"79";"IJ7-KL8";"2026-05-01 09:00:00";"2026-05-01 13:07:00";"192.0.2.3";"";"N/A";"N/A";"N/A";"N/A";"302"',
            '"4";"";"1";"en";"80";"MN9-OP1";"2026-05-01 09:00:00";"2026-05-01 09:08:00";"192.0.2.4";"";"A4";"";"";"";"20"',
            '"5";"2026-05-02 09:08:00";"3";"en";"81";"mn9op1";"2026-05-02 09:00:00";"2026-05-02 09:08:00";"192.0.2.4";"";"A5";"Y";"";"the old\nmill";"303"',
        ),
    ),
    {"time": {"column": "datestamp", "pattern": "%Y-%m-%d %H:%M:%S"}},
    {"key": ["token"], "normalise": "code"},
    {"column": "Q1", "options": {f"A{code}": label for code, label in RATING.items()}},
    {"columns": {"SQ001": "Q2[SQ001]", "SQ002": "Q2[SQ002]"}, "options": {"SQ001": "Library", "SQ002": "Buses, trams"}},
    ["A2", "A1", "_not_asked", "A4", "A5"],
    [["SQ001", "SQ002"], ["SQ001"], ["_not_asked"], ["_none"], ["SQ001"]],
    [True, True, True, False, True],
    BY_EMAIL,
    {"": "not_answered", "N/A": "not_asked"},
)  # fmt: skip

ODK = ExportSample(
    "odk",
    text(
        "odk.csv",
        _lines(
            "SubmissionDate,start,end,about-code,about-quality,about-services,meta-instanceID,KEY,SubmitterID,SubmitterName,"
            "AttachmentsPresent,AttachmentsExpected,Status,ReviewState,DeviceID,Edits,FormVersion",
            "2026-05-01T09:05:00.000Z,2026-05-01T03:00:00.000-06:00,2026-05-01T03:05:00.000-06:00,AB3CD4,2,library bus,uuid:1,uuid:1,12,Field team,0,0,,,collect:1,0,1",
            "2026-05-01T09:06:00.000Z,,,ef5 gh6,1,library,uuid:2,uuid:2,12,Field team,0,0,,approved,collect:1,0,1",
            "2026-05-01T09:07:00.000Z,,,IJ7KL8,,,uuid:3,uuid:3,12,Field team,0,0,,hasIssues,collect:1,0,1",
            "2026-05-01T09:08:00.000Z,,,MN9OP1,4,,uuid:4,uuid:4,12,Field team,0,0,,,collect:1,0,1",
            "2026-05-02T09:08:00.000Z,,,MN9-OP1,5,other,uuid:5,uuid:5,12,Field team,0,0,,edited,collect:1,1,1",
            "2026-05-02T09:09:00.000Z,,,QQ1QQ1,5,other,uuid:6,uuid:6,12,Field team,0,0,,rejected,collect:1,1,1",
            end="\n",
        ),
    ),
    {
        "where": {"ReviewState": ["", "approved", "hasIssues", "edited", "received"]},
        "time": {"column": "SubmissionDate", "pattern": "%Y-%m-%dT%H:%M:%S.%f%z"},
    },
    {"key": ["about-code"], "normalise": "code"},
    {"column": "about-quality", "options": RATING},
    {"column": "about-services", "separator": " ", "options": {"library": "Library", "bus": "Buses, trams", "other": "Other"}},
    ["2", "1", "_not_answered", "4", "5"],
    [["library", "bus"], ["library"], ["_not_answered"], ["_not_answered"], ["other"]],
    [True, True, False, True, True],
    ["ana", "ben", "eva", "leo", "leo"],
    excluded=1,
)  # fmt: skip

KOBO = ExportSample(
    "kobo",
    text(
        "kobo.csv",
        BOM
        + _lines(
            '"start";"end";"about/code";"about/quality";"about/services";"about/services/library";"about/services/bus";"_id";"_uuid";"_submission_time";"_validation_status";"_notes";"_status";"_submitted_by";"__version__";"_tags";"_index"',
            '"2026-05-01T09:00:00.000-06:00";"";"AB3CD4";"2";"library bus";"1";"1";"9001";"u1";"2026-05-01T15:05:00";"";"";"submitted_via_web";"";"v1";"";"1"',
            '"2026-05-01T09:00:00.000-06:00";"";"EF5GH6";"1";"library";"1";"0";"9002";"u2";"2026-05-01T15:06:00";"validation_status_approved";"";"submitted_via_web";"";"v1";"";"2"',
            '"2026-05-01T09:00:00.000-06:00";"";"IJ7KL8";"";"";"";"";"9003";"u3";"2026-05-01T15:07:00";"";"";"submitted_via_web";"";"v1";"";"3"',
            '"2026-05-01T09:00:00.000-06:00";"";"MN9OP1";"4";"";"0";"0";"9004";"u4";"2026-05-01T15:08:00";"";"";"submitted_via_web";"";"v1";"";"4"',
            '"2026-05-01T09:00:00.000-06:00";"";"MN9OP1";"5";"bus";"0";"1";"9005";"u5";"2026-05-02T15:08:00";"";"";"submitted_via_web";"";"v1";"";"5"',
            '"2026-05-01T09:00:00.000-06:00";"";"QQ1QQ1";"5";"bus";"0";"1";"9006";"u6";"2026-05-02T15:08:00";"validation_status_not_approved";"";"submitted_via_web";"";"v1";"";"6"',
            end="\n",
        ),
    ),
    {
        "where": {"_validation_status": ["", "validation_status_approved", "validation_status_on_hold"]},
        "time": {"column": "_submission_time", "pattern": "%Y-%m-%dT%H:%M:%S"},
    },
    {"key": ["about/code"], "normalise": "code"},
    {"column": "about/quality", "options": RATING},
    {"columns": {"library": "about/services/library", "bus": "about/services/bus"}, "options": {"library": "Library", "bus": "Buses, trams"}},
    ["2", "1", "_not_answered", "4", "5"],
    [["library", "bus"], ["library"], ["_none"], ["_none"], ["bus"]],
    [True, True, False, True, True],
    ["ana", "ben", "eva", "leo", "leo"],
    excluded=1,
)  # fmt: skip

REDCAP = ExportSample(
    "redcap",
    text(
        "redcap.csv",
        _lines(
            "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,redcap_survey_identifier,"
            "residents_timestamp,quality,services___1,services___2,services____99,residents_complete",
            '1,spring_arm_1,,,north,ana@example.org,"2026-05-01 09:05:00",2,1,1,0,2',
            '2,spring_arm_1,,,north,BEN@example.org,"2026-05-01 09:06:00",1,1,0,0,2',
            '3,spring_arm_1,,,south,eva@example.org,"2026-05-01 13:07:00",,0,0,1,2',
            "4,spring_arm_1,,,south,leo@example.org,[not completed],4,0,0,0,1",
            '4,spring_arm_1,,,south,leo@example.org,"2026-05-02 09:08:00",5,0,1,0,2',
            '4,spring_arm_1,visits,2,south,leo@example.org,"2026-05-03 09:08:00",5,0,1,0,2',
            end="\n",
        ),
    ),
    {
        "where": {"redcap_repeat_instance": ["", "1"]},
        "time": {"column": "residents_timestamp", "pattern": "%Y-%m-%d %H:%M:%S"},
        "complete": {"column": "residents_complete", "in": ["2", "Complete"]},
    },
    {"key": ["redcap_survey_identifier"], **EMAIL},
    {"column": "quality", "options": RATING},
    {"columns": {"1": "services___1", "2": "services___2", "-99": "services____99"},
     "options": {"1": "Library", "2": "Buses, trams", "-99": {"label": "Don't know", "role": "no_opinion"}}},
    ["2", "1", "_not_answered", "4", "5"],
    [["1", "2"], ["1"], ["-99"], ["_none"], ["2"]],
    [True, True, True, False, True],
    BY_EMAIL,
    excluded=1,
)  # fmt: skip

SURVEY123 = ExportSample(
    "survey123",
    text(
        "survey123.csv",
        BOM
        + _lines(
            "ObjectID,GlobalID,Access code,Quality of life,Services used,Other - Services used,CreationDate,Creator,EditDate,Editor,x,y",
            '1,8f1c-01,AB3CD4,2,"library,bus",,5/1/2026 9:05:00 AM,field_team,5/1/2026 9:05:00 AM,field_team,-111.1,41.1',
            "2,8f1c-02,ef5gh6,1,library,,5/1/2026 9:06:00 AM,field_team,5/1/2026 9:06:00 AM,field_team,-111.1,41.1",
            "3,8f1c-03,IJ7KL8,,,,5/1/2026 1:07:00 PM,,5/1/2026 1:07:00 PM,,-111.1,41.1",
            "4,8f1c-04,MN9OP1,4,,,5/1/2026 9:08:00 AM,,5/1/2026 9:08:00 AM,,-111.1,41.1",
            "5,8f1c-05,MN9OP1,5,other,the old mill,5/2/2026 9:08:00 AM,,5/2/2026 9:08:00 AM,,-111.1,41.1",
        ),
    ),
    {"time": {"column": "CreationDate", "pattern": "%m/%d/%Y %I:%M:%S %p"}},
    {"key": ["Access code"], "normalise": "code"},
    {"column": "Quality of life", "options": RATING},
    {"column": "Services used", "options": {"library": "Library", "bus": "Buses, trams", "other": "Other"}},
    ["2", "1", "_not_answered", "4", "5"],
    [["library", "bus"], ["library"], ["_not_answered"], ["_not_answered"], ["other"]],
    [True, True, False, True, True],
    ["ana", "ben", "eva", "leo", "leo"],
)  # fmt: skip

FIRM_CODES = ExportSample(
    "delimited",
    text(
        "firm.csv",
        _lines(
            "id,wave,q1a,q7_1,q7_2,d1,mode,wt,q20verb",
            "1001,1,2.0,1,2,3.0,1,0.73,",
            "1002,1,1.0,1, ,1.0,1,1.21,",
            "1003,2, , , , ,1,0.98,the old mill",
            "1004,,4.0, , ,2.0,2,2.10,",
            "1004,,5.0,,2,2.0,2,2.10,",
            end="\n",
        ),
        "cp1252",
    ),
    {},
    {"key": ["id"], "normalise": "code"},
    {"column": "q1a", "options": RATING},
    {"columns": {"1": "q7_1", "2": "q7_2"}, "options": {"1": "Library", "2": "Buses, trams"}},
    ["2", "1", "_not_answered", "4", "5"],
    [["1", "2"], ["1"], ["_none"], ["_none"], ["2"]],
    [True, True, False, True, True],
    ["ana", "ben", "eva", "leo", "leo"],
)  # fmt: skip

LONG_FORM = ExportSample(
    "delimited",
    text(
        "long.tsv",
        _lines(
            "site\tcase\tvariable\tvalue\temail",
            "N\t1\tquality\t2\tana@example.org",
            "N\t1\tservices\tlibrary|bus\tana@example.org",
            "S\t1\tquality\t1\tben@example.org",
            "S\t1\tservices\tlibrary\tben@example.org",
            "N\t2\tquality\t\teva@example.org",
            "N\t3\tquality\t4\tleo@example.org",
            "S\t3\tquality\t5\tLeo@example.org",
            "S\t3\tservices\tbus\tLeo@example.org",
            end="\n",
        ),
        "utf-16",
    ),
    {"layout": "long", "respondent": ["site", "case"], "item": "variable", "value": "value"},
    {"key": ["email"], **EMAIL},
    {"column": "quality", "options": RATING},
    {"column": "services", "separator": "|", "options": {"library": "Library", "bus": "Buses, trams"}},
    ["2", "1", "_not_answered", "4", "5"],
    [["library", "bus"], ["library"], ["_not_answered"], ["_not_answered"], ["bus"]],
    [True, True, False, True, True],
    BY_EMAIL,
)  # fmt: skip

SAMPLES = {
    "qualtrics": QUALTRICS, "surveymonkey": SURVEYMONKEY, "google_forms": GOOGLE_FORMS, "microsoft_forms": MICROSOFT_FORMS,
    "limesurvey": LIMESURVEY, "odk": ODK, "kobo": KOBO, "redcap": REDCAP, "survey123": SURVEY123, "firm codes": FIRM_CODES,
    "long form": LONG_FORM,
}  # fmt: skip
