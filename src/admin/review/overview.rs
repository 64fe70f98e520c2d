//! *Granskning*: reviews that wait, go on and are done, and twelve months of every unit.

use super::told::{kind_words, state_chip};
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, view};
use crate::admin::parts::{Cell, Control, PagePart, Table, field, link, question};
use crate::admin::words::{Words, day, filled, number as digits, t};
use crate::domain::people::roles::Role;
use crate::domain::review::calendar::ReviewMonth;
use crate::procedures::review::reviewing::{PAGE_REVIEWS, StoredReview};
use std::collections::{BTreeMap, BTreeSet};

/// The page.
pub async fn overview(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let which = match asked.query.get("visa") {
        "klara" => "done",
        "forfallna" => "lapsed",
        "alla" => "all",
        _ => "open",
    };
    let before = match asked.query.get("fore") {
        "" => None,
        text => Some(text.parse().map_err(|_| Refused::NotFound)?),
    };
    let mut found = asked.people().reviews(&person, (which, None, before)).await?;
    let most = usize::try_from(PAGE_REVIEWS).unwrap_or(50);
    let next = found.get(most).map(|review| review.review_number);
    found.truncate(most);
    let choices = vec![
        (String::new(), t("Pågående")),
        ("klara".to_owned(), t("Avslutade")),
        ("forfallna".to_owned(), t("Förfallna")),
        ("alla".to_owned(), t("Alla")),
    ];
    let chosen = asked.query.get("visa").to_owned();
    let choose = field("visa", t("Visa"), Control::Select(choices, chosen.clone()));
    let mut parts = vec![PagePart::form(question("/granskning", vec![choose], t("Visa")))];
    parts.push(PagePart::Table(list(&found)));
    let base = format!("/granskning?visa={chosen}&");
    let newest = before.map(|_| base.trim_end_matches('&').to_owned());
    parts.push(PagePart::Paging(newest, next.map(|next| format!("{base}fore={next}"))));
    let mut links = vec![link("/granskning/ny", t("Öppna riktad kontroll"))];
    if asked.is(Role::LogAdmin) {
        links.push(link("/granskning/plan", t("Granskningsplan")));
    }
    parts.push(PagePart::Links(links));
    parts.extend(calendar(&asked).await?);
    Ok(PageAnswer::View(view(t("Granskning"), parts)))
}

fn list(found: &[StoredReview]) -> Table {
    let rows = found.iter().map(|review| {
        let words = filled("Granskning {}", [review.review_number.to_string().into()]);
        let about = Words::from(review.unit_name.clone());
        vec![
            Cell::Link(link(format!("/granskning/{}", review.review_number), words).about(about)),
            Cell::from(review.unit_name.clone()),
            Cell::from(kind_words(&review.kind)),
            Cell::from(review.day.map_or(t("–"), |on| Words::from(day(on)))),
            Cell::from(day(review.due_on)),
            Cell::from(filled(
                "{} av {}",
                [digits(review.judged).into(), digits(review.visits).into()],
            )),
            state_chip(review),
        ]
    });
    Table {
        caption: t("Granskningar"),
        head: vec![
            t("Granskning"),
            t("Enhet"),
            t("Slag"),
            t("Dag"),
            t("Klar senast"),
            t("Bedömda"),
            t("Läge"),
        ],
        rows: rows.collect(),
        empty: t("Inga granskningar. De systematiska dras den första i varje månad klockan sex."),
    }
}

/// Twelve months of every unit.
async fn calendar(asked: &PageCall) -> Result<Vec<PagePart>, Refused> {
    let person = asked.on_duty()?;
    let mut months: Vec<ReviewMonth> = vec![ReviewMonth::at(asked.now)];
    while months.len() < 12 {
        months.extend(months.last().map(|month| month.before()));
    }
    months.reverse();
    let since = months.first().map_or_else(Default::default, |month| month.first());
    let found = asked.people().calendar(&person, since).await?;
    let mut by: BTreeMap<(String, String), BTreeMap<ReviewMonth, &StoredReview>> = BTreeMap::new();
    for review in &found {
        let unit = (review.unit_name.clone(), review.unit_key.clone());
        by.entry(unit).or_default().insert(ReviewMonth::of(review.month), review);
    }
    let units: BTreeSet<_> = by.keys().cloned().collect();
    let rows = units.iter().map(|unit| {
        let mut row = vec![Cell::from(unit.0.clone())];
        row.extend(months.iter().map(|month| {
            let review = by.get(unit).and_then(|of| of.get(month));
            review.map_or(Cell::from(t("–")), |review| {
                let about = format!("{} {}", unit.0, month.text());
                let to = format!("/granskning/{}", review.review_number);
                Cell::Link(link(to, short(review)).about(about))
            })
        }));
        row
    });
    let mut head = vec![t("Enhet")];
    head.extend(months.iter().map(|month| Words::from(month.text())));
    Ok(vec![PagePart::Table(Table {
        caption: t("Tolv månader"),
        head,
        rows: rows.collect(),
        empty: t("Ingen enhet har haft någon systematisk granskning."),
    })])
}

fn short(review: &StoredReview) -> Words {
    match (review.result.as_deref(), review.lapsed_at.is_some()) {
        (Some("empty"), _) => t("Tom"),
        (Some("remark"), false) => t("Anm."),
        (Some(_), false) => t("Klar"),
        (Some(_), true) => t("Sen"),
        (None, true) => t("Förfallen"),
        (None, false) => t("Pågår"),
    }
}
