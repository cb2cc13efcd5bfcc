"""A staff's own workbook changed in place: cells set, rows put into and taken out of its tables, all else as it was."""
