"""The sheet Réglages: what staff set, one line a setting, and beside it the last day of each exercice's campaign."""

from __future__ import annotations

from xlsxwriter.format import Format

from tabellion.contract.settings import STAFF_SETTINGS, StaffSetting
from tabellion.layout.names import REGLAGES, choice_name, table_name
from tabellion.outputs.master.layout import EXERCICES, FIRST_TABLE_ROW, MasterLayout
from tabellion.outputs.master.tables import validation_rule, value_format, widths, write_data_table
from tabellion.schema import FALSE_WORD, SETTING_TABLES, TRUE_WORD
from tabellion.xlsx.writer import Sheet

_SUBTITLE = "Les cellules blanches se changent ici ; enregistrez, et le prochain passage de tabellion en tient compte"
_GAP, _ROW_HEIGHT = 3, 19
#: The settings that an exercice of the list answers.
_YEARS = ("exercice", "exercice_courant")
_CONTACT = "Laissez vide pour ne rien montrer."
_PROMPTS = {
    "exercice_courant": "Choisissez l'exercice que les prochains formulaires demanderont.",
    "exercice": "Choisissez l'exercice que montrent les totaux.",
    "adresse_retour": f"Une adresse de courriel, ou un lien de dépôt qui commence par https://. {_CONTACT}",
    "contact_nom": _CONTACT,
    "contact_courriel": f"Une adresse de courriel. {_CONTACT}",
    "contact_telephone": _CONTACT,
    "equipe": "Des adresses séparées par « ; ». Les avis ne partent que si tabellion.toml a un serveur de courriel.",
    "partenaires": "Les avis ne partent que si tabellion.toml a un serveur de courriel.",
}


def write_settings(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the settings and, beside them, the exercices, which may grow downwards."""
    settings, years = (layout.data[table_name(name)] for name in SETTING_TABLES)
    width = years.column + len(years.columns)
    sheet.title(REGLAGES, _SUBTITLE, width)
    sheet.section(FIRST_TABLE_ROW - 1, settings.column, "Le contrat et ses campagnes")
    sheet.section(FIRST_TABLE_ROW - 1, years.column, "Dates limites de retour")
    labels = [column.label for column in settings.columns]
    sheet.table(settings.name, settings.row, settings.column, settings.height, labels, filters=False)
    rows = {row["reglage_id"]: row for row in layout.contract.tables[settings.resource].rows}
    for position, setting in enumerate(STAFF_SETTINGS, settings.row + 1):
        sheet.raw.set_row(position, _ROW_HEIGHT)
        for column in settings.columns:
            place, content = settings.column_of(column.name), rows[setting.identifier][column.name]
            if column.name == "valeur" and setting.field.kind == "integer":
                content = int(content)
            sheet.write(position, place, content, _style(sheet, setting, column.name))
        _write_rule(sheet, setting, position, settings.column_of("valeur"))
    write_data_table(sheet, layout, years, filters=False)
    for position, row in enumerate(layout.contract.tables[years.resource].rows, years.row + 1):
        for column in years.columns:  # in the middle of rows that the settings beside them make higher
            kind, value = layout.contract.schemas[years.resource].by_name[column.name].kind, row[column.name]
            style = value_format(sheet.writer, kind, value, valign="vcenter")
            sheet.write(position, years.column_of(column.name), value, style)
    sheet.set_widths(widths(settings), widths(years), [(years.column - 1, _GAP)])
    sheet.hide([settings.column_of("reglage_id")], button=False)
    sheet.raw.freeze_panes(FIRST_TABLE_ROW + 1, 0)
    last = max(settings.last_row, years.last_row)
    sheet.print_setup((settings.row, settings.row), layout.contract.settings.titre, area=(last, width - 1))


def _style(sheet: Sheet, setting: StaffSetting, column: str) -> Format:
    """White where people type, grey elsewhere; a line above each group of settings."""
    is_typed = column == "valeur"
    above = {"top": 2, "top_color": sheet.writer.theme.colours["titre"]} if setting.begins else {}
    number = {"num_format": "0" if setting.field.kind == "integer" else "@"} if is_typed else {}
    return sheet.writer.cell(
        computed=not is_typed, bold=column != "explication", text_wrap=True, align="left", valign="vcenter",
        **above, **number,
    )  # fmt: skip


def _write_rule(sheet: Sheet, setting: StaffSetting, row: int, column: int) -> None:
    """The drop-down or the bounds of a setting's cell, and its prompt; they warn only, since reading says all."""
    rule: dict[str, object]
    if setting.identifier in _YEARS:
        rule = {"validate": "list", "source": f"={choice_name(EXERCICES)}"}
    elif setting.field.kind == "boolean":
        rule = {"validate": "list", "source": [TRUE_WORD, FALSE_WORD]}
    elif setting.field.enum:
        rule = {"validate": "list", "source": list(setting.field.enum)}
    else:
        rule = validation_rule(None, setting.field) or {"validate": "any"}
    prompt = _PROMPTS.get(setting.identifier, setting.field.description)
    if rule["validate"] != "any":
        rule |= {"error_type": "warning", "ignore_blank": False}
    error = f"Attendu : {setting.expected}."
    sheet.validation((row, column, row, column), rule, prompt, setting.field.title, error)
