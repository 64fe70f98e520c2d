//! A document as PDF for archives (PDF/A-2a) that can be read without sight (PDF/UA-1): every line is tagged, tables have
//! heads on every page, pages are numbered.

use super::document::{Document, DocumentTable};
use super::tags::{TagPlace, Tree};
use krilla::configure::ConfigurationBuilder;
use krilla::configure::validate::{Accessibility, Archival};
use krilla::geom::{PathBuilder, Point};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::Outline;
use krilla::page::{Page, PageSettings};
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag};
use krilla::text::{Font, TextDirection};
use krilla::{Document as Pdf, SerializeSettings};
use ttf_parser::Face;

/// A4 on its side: rows have many columns.
const WIDTH: f32 = 842.0;
const HEIGHT: f32 = 595.0;
const MARGIN: f32 = 40.0;
const SIZE: f32 = 9.0;
const LEADING: f32 = 12.0;
const PAD: f32 = 3.0;
/// Lines of one cell; longer texts end with dots.
const CELL_LINES_MAX: usize = 12;

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The font that comes with the program cannot be read.
    #[error("the font cannot be read")]
    Font,
    /// It would not be what it says it is.
    #[error("not a valid PDF: {0}")]
    Invalid(String),
}

/// Both weights of the font, to be drawn and to be measured.
struct Type {
    regular: Font,
    bold: Font,
    face: Face<'static>,
}

impl Type {
    fn load() -> Option<Self> {
        let named = |name: &str| {
            typst_assets::fonts().find(|data| {
                Face::parse(data, 0).is_ok_and(|face| {
                    face.names().into_iter().any(|own| {
                        own.name_id == ttf_parser::name_id::POST_SCRIPT_NAME
                            && own.to_string().as_deref() == Some(name)
                    })
                })
            })
        };
        let (regular, bold) = (named("LibertinusSerif-Regular")?, named("LibertinusSerif-Bold")?);
        Some(Self {
            regular: Font::new(regular.to_vec().into(), 0)?,
            bold: Font::new(bold.to_vec().into(), 0)?,
            face: Face::parse(regular, 0).ok()?,
        })
    }

    /// What can be drawn of a text: what the font does not have is a question mark.
    fn drawable(&self, text: &str) -> String {
        let has = |c: char| self.face.glyph_index(c).is_some();
        text.chars()
            .filter(|c| !c.is_control() || c.is_whitespace())
            .map(|c| {
                if c.is_whitespace() {
                    ' '
                } else if has(c) {
                    c
                } else {
                    '?'
                }
            })
            .collect()
    }

    fn width(&self, text: &str, size: f32) -> f32 {
        let advance = |c: char| {
            let glyph = self.face.glyph_index(c).unwrap_or_default();
            f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(500))
        };
        text.chars().map(advance).sum::<f32>() * size / f32::from(self.face.units_per_em())
    }

    /// The lines of a text that fit into a width; bold is a little wider.
    fn lines(&self, text: &str, width: f32, size: f32) -> Vec<String> {
        let text = self.drawable(text);
        let (mut lines, mut line) = (Vec::new(), String::new());
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&longer, size) <= width {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            // A word that is longer than the line is cut.
            for c in word.chars() {
                line.push(c);
                if self.width(&line, size) > width {
                    let last = line.pop();
                    lines.push(std::mem::take(&mut line));
                    line.extend(last);
                }
            }
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }
}

/// Something to be drawn on a page.
enum Drawn {
    /// A line of text: x, y from above, size, bold.
    Text(f32, f32, f32, bool, String),
    /// A rule across the page.
    Rule(f32),
}

/// What is drawn, page by page, with a number for each paragraph.
#[derive(Default)]
struct Laid {
    pages: Vec<Vec<(Drawn, TagPlace, usize)>>,
    y: f32,
    block: usize,
}

impl Laid {
    fn new_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = MARGIN;
    }

    fn room(&mut self, height: f32) -> bool {
        let is_new = self.pages.is_empty() || self.y + height > HEIGHT - MARGIN - LEADING;
        if is_new {
            self.new_page();
        }
        is_new
    }

    fn put(&mut self, drawn: Drawn, place: TagPlace) {
        let block = self.block;
        if let Some(page) = self.pages.last_mut() {
            page.push((drawn, place, block));
        }
    }

    /// A paragraph or heading over the page's width.
    fn words(&mut self, font: &Type, text: &str, (size, bold, place): (f32, bool, TagPlace)) {
        self.block += 1;
        for line in font.lines(text, WIDTH - 2.0 * MARGIN, size) {
            self.room(size * 1.4);
            self.put(Drawn::Text(MARGIN, self.y + size, size, bold, line), place);
            self.y += size * 1.4;
        }
        self.y += PAD;
    }

    fn table(&mut self, font: &Type, number: usize, table: &DocumentTable) {
        let whole: f32 = table.head.iter().map(|(_, share)| share).sum();
        let widths: Vec<f32> =
            table.head.iter().map(|(_, share)| share / whole * (WIDTH - 2.0 * MARGIN)).collect();
        let head: Vec<String> = table.head.iter().map(|(name, _)| name.clone()).collect();
        self.row(font, &head, &widths, |column| TagPlace::Cell(number, 0, column), true);
        for (at, row) in (1..).zip(&table.rows) {
            let height = height(font, row, &widths);
            if self.room(height) {
                self.row(font, &head, &widths, |_| TagPlace::Artifact, true);
            }
            self.row(font, row, &widths, |column| TagPlace::Cell(number, at, column), false);
        }
        self.y += LEADING;
    }

    fn row(
        &mut self,
        font: &Type,
        cells: &[String],
        widths: &[f32],
        place: impl Fn(usize) -> TagPlace,
        bold: bool,
    ) {
        let height = height(font, cells, widths);
        self.room(height);
        let mut x = MARGIN;
        for (column, (text, width)) in cells.iter().zip(widths).enumerate() {
            self.block += 1;
            for (line, text) in (0_u16..).zip(cell_lines(font, text, *width)) {
                let y = self.y + SIZE + f32::from(line) * LEADING;
                self.put(Drawn::Text(x, y, SIZE, bold, text), place(column));
            }
            x += width;
        }
        self.y += height;
        self.put(Drawn::Rule(self.y - PAD), TagPlace::Artifact);
    }
}

fn cell_lines(font: &Type, text: &str, width: f32) -> Vec<String> {
    let mut lines = font.lines(text, width - 2.0 * PAD, SIZE * 1.04);
    if lines.len() > CELL_LINES_MAX {
        lines.truncate(CELL_LINES_MAX);
        if let Some(last) = lines.last_mut() {
            last.push_str(" ...");
        }
    }
    lines
}

fn height(font: &Type, cells: &[String], widths: &[f32]) -> f32 {
    let lines = cells.iter().zip(widths).map(|(text, width)| cell_lines(font, text, *width).len());
    let most = u16::try_from(lines.max().unwrap_or(1)).unwrap_or(1);
    f32::from(most) * LEADING + 2.0 * PAD
}

/// A document as PDF.
///
/// # Errors
/// That it would not be a valid one.
pub fn pdf(document: &Document) -> Result<Vec<u8>, PdfError> {
    let font = Type::load().ok_or(PdfError::Font)?;
    let mut laid = Laid::default();
    laid.words(&font, &document.title, (18.0, true, TagPlace::Heading(1)));
    for (name, value) in &document.facts {
        let words = format!("{name}: {value}");
        laid.words(&font, &words, (SIZE + 1.0, false, TagPlace::Paragraph));
    }
    for words in &document.intro {
        laid.words(&font, words, (SIZE + 1.0, false, TagPlace::Paragraph));
    }
    for (number, table) in document.tables.iter().enumerate() {
        laid.room(LEADING * 4.0);
        laid.words(&font, &table.caption, (12.0, true, TagPlace::Heading(2)));
        laid.table(&font, number, table);
    }
    for words in &document.closing {
        laid.words(&font, words, (SIZE + 1.0, false, TagPlace::Paragraph));
    }
    written(document, &font, &laid)
}

fn written(document: &Document, font: &Type, laid: &Laid) -> Result<Vec<u8>, PdfError> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| PdfError::Invalid(format!("{error:?}")))?;
    let mut pdf =
        Pdf::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let mut tree = Tree::default();
    let count = laid.pages.len();
    for (at, page) in laid.pages.iter().enumerate() {
        let settings =
            PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| PdfError::Invalid("size".into()))?;
        let mut sheet: Page<'_> = pdf.start_page_with(settings);
        let mut surface = sheet.surface();
        surface.set_fill(Some(Fill::default()));
        for (drawn, place, block) in page {
            match drawn {
                Drawn::Text(x, y, size, bold, text) => {
                    let tag = match place {
                        TagPlace::Artifact => artifact(),
                        _ => ContentTag::Span(SpanTag::empty()),
                    };
                    let id = surface.start_tagged(tag);
                    let used = if *bold { &font.bold } else { &font.regular };
                    let at = Point::from_xy(*x, *y);
                    surface.draw_text(
                        at,
                        used.clone(),
                        *size,
                        text,
                        false,
                        TextDirection::LeftToRight,
                    );
                    surface.end_tagged();
                    if *place != TagPlace::Artifact {
                        tree.add(*place, *block, id, text);
                    }
                }
                Drawn::Rule(y) => rule(&mut surface, *y),
            }
        }
        let footer = format!("{} av {count}", at + 1);
        surface.start_tagged(artifact());
        let x = WIDTH - MARGIN - font.width(&footer, SIZE);
        let at = Point::from_xy(x, HEIGHT - MARGIN / 2.0);
        surface.draw_text(
            at,
            font.regular.clone(),
            SIZE,
            &footer,
            false,
            TextDirection::LeftToRight,
        );
        surface.end_tagged();
        surface.finish();
        sheet.finish();
    }
    pdf.set_tag_tree(tree.made());
    pdf.set_outline(Outline::new());
    let (year, month, day, hour, minute) = document.made;
    let made = DateTime::new(year).month(month).day(day).hour(hour).minute(minute).second(0);
    pdf.set_metadata(
        Metadata::new()
            .title(document.title.clone())
            .language("sv".to_owned())
            .creator("Sigill".to_owned())
            .document_id(document.id.clone())
            .creation_date(made),
    );
    pdf.finish().map_err(|error| PdfError::Invalid(format!("{error:?}")))
}

fn artifact() -> ContentTag<'static> {
    ContentTag::Artifact(Artifact::with_kind(ArtifactType::Other))
}

fn rule(surface: &mut Surface<'_>, y: f32) {
    let mut path = PathBuilder::new();
    path.move_to(MARGIN, y);
    path.line_to(WIDTH - MARGIN, y);
    let Some(path) = path.finish() else { return };
    surface.start_tagged(artifact());
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke { width: 0.4, ..Stroke::default() }));
    surface.draw_path(&path);
    surface.set_stroke(None);
    surface.set_fill(Some(Fill::default()));
    surface.end_tagged();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(rows: usize) -> Document {
        let row = |n: usize| {
            ["2026-11-24 14.32", "Akutmottagningen (SE2321000016-U1)", "Läkare", "Läsa → 漢字", "x"]
                .map(|text| format!("{text} {n}"))
                .to_vec()
        };
        let head = ["Tid", "Enhet", "Roll", "Vad", "Grund"].map(|name| (name.to_owned(), 0.2));
        let table = DocumentTable {
            caption: "Åtkomster".into(),
            head: head.to_vec(),
            rows: (0..rows).map(row).collect(),
        };
        Document {
            title: "Loggutdrag".into(),
            facts: vec![("Period".into(), "2026".into())],
            intro: vec!["ord ".repeat(300), "x".repeat(700)],
            tables: vec![table],
            closing: vec!["Kod".into()],
            made: (2026, 11, 26, 12, 0),
            id: "0123456789abcdef0123456789abcdef".into(),
        }
    }

    #[test]
    fn a_document_is_valid_for_archives_and_for_who_does_not_see() {
        for rows in [0, 1, 200] {
            let bytes = pdf(&document(rows)).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(text.starts_with("%PDF-1.7"));
            assert!(text.contains("pdfaid:part") && text.contains("pdfuaid:part"));
        }
    }

    #[test]
    fn lines_fit_and_lose_nothing() {
        let font = Type::load().unwrap();
        let text = format!("Hej {} slut", "lång".repeat(40));
        let lines = font.lines(&text, 100.0, 9.0);
        assert!(lines.iter().all(|line| font.width(line, 9.0) <= 100.0));
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }
}
