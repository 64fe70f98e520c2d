//! Tables as files: CSV for machines, XLSX for people, XML for archives.

use super::document::{Document, DocumentTable};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// A table as CSV: UTF-8, commas.
///
/// # Errors
/// That it cannot be written.
pub fn csv(table: &DocumentTable) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(table.head.iter().map(|(name, _)| harmless(name)))?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| harmless(cell)))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A document as a workbook: a sheet of facts, and one for each table. Every cell is text: numbers of persons stay whole.
///
/// # Errors
/// That it cannot be written.
pub fn xlsx(document: &Document) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let (year, month, day, ..) = document.made;
    if year > 0 {
        // Not the clock's: a document of one time is always the same.
        let made = ExcelDateTime::from_ymd(year, month, day)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    }
    let (bold, text) = (Format::new().set_bold(), Format::new().set_num_format("@"));
    let facts = workbook.add_worksheet().set_name("Om")?;
    facts.write_with_format(0, 0, &document.title, &bold)?;
    facts.set_column_width(0, 32)?.set_column_width(1, 60)?;
    let mut at = 2;
    for (name, value) in &document.facts {
        facts.write_with_format(at, 0, name, &bold)?;
        facts.write_string_with_format(at, 1, harmless(value), &text)?;
        at += 1;
    }
    for words in document.intro.iter().chain(&document.closing) {
        facts.write_string(at + 1, 0, words)?;
        at += 1;
    }
    for (number, table) in (1..).zip(&document.tables) {
        let sheet = workbook.add_worksheet().set_name(format!("Tabell {number}"))?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, (name, width)) in (0_u16..).zip(&table.head) {
            sheet.write_with_format(0, column, name, &bold)?;
            sheet.set_column_width(column, f64::from(*width) * 120.0 + 6.0)?;
        }
        for (at, row) in (1_u32..).zip(&table.rows) {
            for (column, cell) in (0_u16..).zip(row) {
                sheet.write_string_with_format(at, column, harmless(cell), &text)?;
            }
        }
    }
    workbook.save_to_buffer()
}

/// A document as XML.
pub fn xml(document: &Document) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!("<document title=\"{}\">\n", escaped(&document.title)));
    for (name, value) in &document.facts {
        out.push_str(&format!("  <fact name=\"{}\">{}</fact>\n", escaped(name), escaped(value)));
    }
    for table in &document.tables {
        out.push_str(&format!("  <table caption=\"{}\">\n", escaped(&table.caption)));
        for row in &table.rows {
            out.push_str("    <row>");
            for ((name, _), cell) in table.head.iter().zip(row) {
                out.push_str(&format!("<cell name=\"{}\">{}</cell>", escaped(name), escaped(cell)));
            }
            out.push_str("</row>\n");
        }
        out.push_str("  </table>\n");
    }
    out.push_str("</document>\n");
    out
}

/// Text as it stands in XML: what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cell: &str) -> DocumentTable {
        DocumentTable {
            caption: "T".into(),
            head: vec![("A".into(), 0.5), ("B".into(), 0.5)],
            rows: vec![vec!["x,\"y\"".into(), cell.into()]],
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@a", "\t=1"] {
            let text = String::from_utf8(csv(&table(cell)).unwrap()).unwrap();
            assert!(text.contains(&format!("'{cell}")), "{text}");
        }
        let text = String::from_utf8(csv(&table("Å")).unwrap()).unwrap();
        assert_eq!(text, "A,B\n\"x,\"\"y\"\"\",Å\n");
    }

    #[test]
    fn xml_holds_what_was_written() {
        let document =
            Document { title: "<&>".into(), tables: vec![table("\u{1}a")], ..Document::default() };
        let text = xml(&document);
        assert!(text.contains("title=\"&lt;&amp;&gt;\"") && text.contains(">a</cell>"), "{text}");
    }

    #[test]
    fn a_workbook_is_a_zip_file() {
        let document =
            Document { title: "x".into(), tables: vec![table("1")], ..Document::default() };
        assert_eq!(xlsx(&document).unwrap()[..2], *b"PK");
    }
}
