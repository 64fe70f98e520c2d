//! Charts as inline SVG. What they say stands beside them in words, and as a table below.

use super::words::number;
use crate::domain::consent::assertion::AssertionType;
use crate::domain::lifetime::{FirstRemoval, State};
use crate::domain::period::Period;
use crate::domain::time::{Moment, Timestamp, local};
use crate::procedures::people::facts::PatientFacts;
use chrono::{Datelike, Months, NaiveDate};

const MONTH_NAMES: [&str; 12] =
    ["jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec"];

/// A month as it stands below a chart.
pub fn month_name(month: NaiveDate) -> String {
    let name = MONTH_NAMES.get(month.month0() as usize).copied().unwrap_or_default();
    format!("{name} {}", month.year())
}

/// The picture of twelve months of a patient.
pub struct MonthsChart {
    /// The picture.
    pub svg: String,
    /// Readings of each month.
    pub months: Vec<(String, u64)>,
    /// Blocks that are drawn.
    pub blocks: usize,
    /// Consents and emergencies that are drawn.
    pub consents: usize,
}

/// Rows of one kind that are drawn.
const ROWS_MAX: usize = 12;
const LEFT: f64 = 120.0;
const WIDTH: f64 = 900.0;
const ROW: f64 = 22.0;

/// From when until when something is drawn.
struct Span {
    from: Timestamp,
    to: Timestamp,
}

impl Span {
    /// Where a time lies between left and right.
    #[expect(clippy::cast_precision_loss, reason = "seconds of a year are exact")]
    fn x(&self, at: Timestamp) -> f64 {
        let whole = (self.to - self.from).num_seconds() as f64;
        let part = (at.clamp(self.from, self.to) - self.from).num_seconds() as f64;
        LEFT + part / whole * (WIDTH - LEFT - 10.0)
    }

    fn touches(&self, from: Timestamp, to: Option<Timestamp>) -> bool {
        from < self.to && to.is_none_or(|to| to > self.from)
    }
}

fn bar(class: &str, (x, y): (f64, f64), width: f64, height: f64) -> String {
    let width = width.max(2.0);
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
    )
}

fn gone<How>(state: &State<How>) -> Option<Timestamp> {
    match state {
        State::Standing => None,
        State::Removed { first: FirstRemoval::At(at) | FirstRemoval::NotAfter(at), .. } => {
            Some(*at)
        }
    }
}

fn label(y: f64, text: &str) -> String {
    format!("<text class=\"soft\" x=\"0\" y=\"{:.1}\">{text}</text>", y + 14.0)
}

/// A bar for each block; returns how many.
fn block_bars(
    facts: &PatientFacts,
    (span, now): (&Span, Timestamp),
    y: &mut f64,
    drawn: &mut String,
) -> usize {
    let mut count = 0;
    for (history, revokes) in &facts.histories {
        let (from, to) = (history.block.lifetime.stored_at, gone(&history.block.lifetime.state));
        if !span.touches(from, to) || count == ROWS_MAX {
            continue;
        }
        if count == 0 {
            drawn.push_str(&label(*y, "Spärrar"));
        }
        count += 1;
        let class = match history.block.content.period == Period::default() {
            true => "block",
            false => "part",
        };
        let (left, right) = (span.x(from), span.x(to.unwrap_or(now)));
        drawn.push_str(&bar(class, (left, *y + 3.0), right - left, ROW - 8.0));
        for revoke in revokes {
            let lift = &revoke.revoke;
            let until = gone(&lift.lifetime.state).unwrap_or(lift.lift.end).min(lift.lift.end);
            let (left, right) = (span.x(lift.lifetime.stored_at), span.x(until));
            drawn.push_str(&bar("gap", (left, *y + 3.0), right - left, ROW - 8.0));
        }
        *y += ROW;
    }
    count
}

/// A bar for each consent and emergency; returns how many.
fn consent_bars(
    facts: &PatientFacts,
    (span, now): (&Span, Timestamp),
    y: &mut f64,
    drawn: &mut String,
) -> usize {
    let mut count = 0;
    for history in &facts.assertions {
        let assertion = &history.assertion;
        let end = assertion.ends_at(Moment::Now(now));
        let to = match (gone(&assertion.lifetime.state), end) {
            (Some(gone), Some(end)) => Some(gone.min(end)),
            (gone, end) => gone.or(end),
        };
        if !span.touches(assertion.starts_at(), to) || count == ROWS_MAX {
            continue;
        }
        if count == 0 {
            drawn.push_str(&label(*y, "Samtycken"));
        }
        count += 1;
        let class = match assertion.content.assertion_type {
            AssertionType::Consent => "consent",
            AssertionType::Emergency => "emergency",
        };
        let (left, right) = (span.x(assertion.starts_at()), span.x(to.unwrap_or(now)));
        drawn.push_str(&bar(class, (left, *y + 6.0), right - left, ROW - 14.0));
        *y += ROW;
    }
    count
}

/// Twelve months: a bar for each block, hatched where it has a span of time and with a gap where it is lifted; consents and
/// emergencies; readings of each month; a line for today.
pub fn twelve_months(facts: &PatientFacts, now: Timestamp) -> MonthsChart {
    let this = local(now).date().with_day(1).unwrap_or_default();
    let first = this.checked_sub_months(Months::new(11)).unwrap_or(this);
    let months: Vec<NaiveDate> =
        (0..12).filter_map(|later| first.checked_add_months(Months::new(later))).collect();
    let begins = |day: NaiveDate| crate::domain::people::availability::month(day).0;
    let ends = crate::domain::people::availability::month(this).1;
    let span = Span { from: begins(first), to: ends };
    let (mut drawn, mut y) = (String::new(), 10.0);
    let blocks = block_bars(facts, (&span, now), &mut y, &mut drawn);
    let consents = consent_bars(facts, (&span, now), &mut y, &mut drawn);
    let counts: Vec<u64> = months
        .iter()
        .map(|month| {
            let of_month = facts.readings.iter().filter(|readings| readings.month == *month);
            of_month.map(|readings| u64::try_from(readings.readings).unwrap_or(0)).sum()
        })
        .collect();
    drawn.push_str(&label(y + 10.0, "Läsningar"));
    drawn.push_str(&columns(&counts, &months, &span, y + 4.0));
    y += 70.0;
    let x = span.x(now);
    drawn.push_str(&format!(
        "<line class=\"today\" x1=\"{x:.1}\" y1=\"4\" x2=\"{x:.1}\" y2=\"{y:.1}\"/>"
    ));
    for month in &months {
        let x = span.x(begins(*month));
        let name = MONTH_NAMES.get(month.month0() as usize).copied().unwrap_or_default();
        drawn.push_str(&format!(
            "<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
            x + 4.0,
            y + 16.0
        ));
        drawn.push_str(&format!(
            "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>",
            y + 6.0
        ));
    }
    let height = y + 24.0;
    let says = format!(
        "{blocks} spärrar, {consents} samtycken och nödsituationer, {} läsningar under tolv månader",
        counts.iter().sum::<u64>()
    );
    let svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{says}\"><defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><path class=\"hatch\" d=\"M0 6 6 0\"/></pattern></defs>{drawn}</svg>"
    );
    let names = months.iter().map(|month| month_name(*month));
    MonthsChart { svg, months: names.zip(counts).collect(), blocks, consents }
}

#[expect(clippy::cast_precision_loss, reason = "heights on a screen")]
fn columns(counts: &[u64], months: &[NaiveDate], span: &Span, y: f64) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut drawn = String::new();
    for (count, month) in counts.iter().zip(months) {
        let (from, to) = crate::domain::people::availability::month(*month);
        let (left, right) = (span.x(from), span.x(to));
        let height = *count as f64 / most as f64 * 44.0;
        if *count > 0 {
            let at = (left + 4.0, y + 62.0 - height);
            drawn.push_str(&bar("reading", at, right - left - 12.0, height));
            drawn.push_str(&format!(
                "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                left + 4.0,
                y + 58.0 - height,
                number(*count)
            ));
        }
    }
    drawn
}

/// A line over months: the highest and the lowest are labelled.
#[expect(clippy::cast_precision_loss, reason = "heights on a screen")]
pub fn line(values: &[(String, Option<u64>)], says: &str) -> String {
    let (width, height) = (900.0, 240.0);
    let most = values.iter().filter_map(|(_, value)| *value).max().unwrap_or(0).max(1) as f64;
    let count = values.len().max(2) as f64 - 1.0;
    let at = |index: usize, value: u64| {
        (50.0 + index as f64 / count * (width - 90.0), 190.0 - value as f64 / most * 160.0)
    };
    let points: Vec<(usize, u64)> = values
        .iter()
        .enumerate()
        .filter_map(|(index, (_, value))| Some((index, (*value)?)))
        .collect();
    let mut drawn = String::new();
    let path: Vec<String> = points
        .iter()
        .map(|(index, value)| {
            let (x, y) = at(*index, *value);
            format!("{x:.1},{y:.1}")
        })
        .collect();
    drawn.push_str("<line class=\"axis\" x1=\"40\" y1=\"190\" x2=\"870\" y2=\"190\"/>");
    drawn.push_str(&format!("<polyline class=\"line\" points=\"{}\"/>", path.join(" ")));
    let highest = points.iter().max_by_key(|(_, value)| *value).map(|(index, _)| *index);
    let lowest = points.iter().min_by_key(|(_, value)| *value).map(|(index, _)| *index);
    for (index, value) in &points {
        let (x, y) = at(*index, *value);
        drawn.push_str(&format!("<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"));
        if [highest, lowest].contains(&Some(*index)) {
            let (text, x) = (number(*value), x - 10.0);
            let y = if lowest == Some(*index) { y + 22.0 } else { y - 10.0 };
            drawn.push_str(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"));
        }
    }
    for (index, (name, _)) in values.iter().enumerate() {
        let (x, _) = at(index, 0);
        let name = name.split(' ').next().unwrap_or_default();
        drawn.push_str(&format!(
            "<text class=\"soft\" x=\"{:.1}\" y=\"210\">{name}</text>",
            x - 12.0
        ));
    }
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">{drawn}</svg>",
        escaped(says)
    )
}

/// Bars beside each other: each has its number, so colour says nothing alone.
#[expect(clippy::cast_precision_loss, reason = "widths on a screen")]
pub fn bars(values: &[(String, u64)], says: &str) -> String {
    let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1) as f64;
    let height = values.len() as f64 * 30.0 + 10.0;
    let mut drawn = String::new();
    for (index, (name, value)) in values.iter().enumerate() {
        let y = index as f64 * 30.0 + 6.0;
        let width = *value as f64 / most * 480.0;
        drawn.push_str(&format!("<text x=\"0\" y=\"{:.1}\">{}</text>", y + 15.0, escaped(name)));
        drawn.push_str(&bar("reading", (320.0, y), width, 20.0));
        drawn.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            328.0 + width,
            y + 15.0,
            number(*value)
        ));
    }
    format!(
        "<svg viewBox=\"0 0 900 {height:.0}\" role=\"img\" aria-label=\"{}\">{drawn}</svg>",
        escaped(says)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
