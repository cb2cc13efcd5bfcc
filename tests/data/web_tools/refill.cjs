// node refill.cjs TOOL FORM RETURN: types into a form, through a library of web tools, the cells given on standard
// input as JSON, [[sheet, address, value], …] (a day as {"day": "2016-12-31"}), and saves it. See README.md.
const [tool, form, target] = process.argv.slice(2);
const cells = JSON.parse(require("fs").readFileSync(0, "utf8"));
const valueOf = (value) => (value && value.day ? new Date(`${value.day}T00:00:00Z`) : value);

async function exceljs() {
  const book = new (require("exceljs").Workbook)();
  await book.xlsx.readFile(form);
  for (const [sheet, address, value] of cells) book.getWorksheet(sheet).getCell(address).value = valueOf(value);
  await book.xlsx.writeFile(target);
}

function sheetjs() {
  const xlsx = require("xlsx");
  const book = xlsx.readFile(form, { cellFormula: true, cellDates: true });
  for (const [sheet, address, value] of cells)
    xlsx.utils.sheet_add_aoa(book.Sheets[sheet], [[valueOf(value)]], { origin: address, UTC: true });
  xlsx.writeFile(book, target, { cellDates: false, compression: true });
}

({ exceljs, sheetjs })[tool]?.();
