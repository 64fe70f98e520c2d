//! A document: what it is about, its tables, and what is said before and after.

/// A document.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// Title.
    pub title: String,
    /// Names and what goes with them.
    pub facts: Vec<(String, String)>,
    /// What is said before the tables.
    pub intro: Vec<String>,
    /// Tables.
    pub tables: Vec<DocumentTable>,
    /// What is said after them.
    pub closing: Vec<String>,
    /// When it was made, as `(year, month, day, hour, minute)` in Swedish time.
    pub made: (u16, u8, u8, u8, u8),
    /// What tells it from others: 32 hexadecimal digits.
    pub id: String,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub struct DocumentTable {
    /// What it shows.
    pub caption: String,
    /// What stands above the columns, with their share of the width.
    pub head: Vec<(String, f32)>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
}
