"""The usual script: each return read by pandas with openpyxl, each sheet checked by pandera, file by file.

``usual.py [--write WORKBOOK] RETURN…``. It trusts what it reads: sheets by their names, headers where the form had
them, values as they are. It opens each file once and parses only the sheets to fill; the schemas are made once. With
``--write``, all that it read goes into one workbook, a sheet for each kind, by pandas with openpyxl.
"""

from __future__ import annotations

import sys

import pandas as pd
import pandera.pandas as pa

HEADER_ROW = 4


def _column(kind: type, *checks: pa.Check) -> pa.Column:
    return pa.Column(kind, list(checks), nullable=True, coerce=True)


_AMOUNT, _STATUS, _PROGRESS = pa.Check.ge(0), pa.Check.str_length(1, 40), pa.Check.str_length(1, 40)
SCHEMAS = {
    "Budget": pa.DataFrameSchema({
        "Convention": _column(str),
        "Montant prévu (€)": _column(float, _AMOUNT),
        "Montant voté (€)": _column(float, _AMOUNT),
        "Montant réalisé (€)": _column(float, _AMOUNT),
        "Identifiant": pa.Column(str, unique=True, nullable=False),
    }),
    "Actions": pa.DataFrameSchema({"Avancement": _column(str, _PROGRESS)}),
    "Financements": pa.DataFrameSchema({"État du montant": _column(str, _STATUS)}),
}  # fmt: skip


def main(paths: list[str], target: str | None = None) -> None:
    """Read and check each return; say what is wrong; write all rows into one workbook where one is wanted."""
    read: dict[str, list[pd.DataFrame]] = {}
    for path in paths:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            for name, schema in SCHEMAS.items():
                if name not in book.sheet_names:
                    continue
                frame = pd.read_excel(book, sheet_name=name, header=HEADER_ROW)
                frame = frame[frame.iloc[:, -1].notna()]
                if target is not None:
                    read.setdefault(name, []).append(frame.assign(Fichier=path))
                try:
                    schema.validate(frame, lazy=True)
                except pa.errors.SchemaErrors as errors:
                    print(path, name, errors.failure_cases.to_string())

    if target is not None and read:
        with pd.ExcelWriter(target, engine="openpyxl") as writer:
            for name, frames in read.items():
                pd.concat(frames, ignore_index=True).to_excel(writer, sheet_name=name, index=False)


if sys.argv[1:2] == ["--write"]:
    main(sys.argv[3:], sys.argv[2])
else:
    main(sys.argv[1:])
