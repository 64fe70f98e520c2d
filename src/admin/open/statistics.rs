//! *Statistik*: what may be told to everybody (S1 to S8).

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, view};
use crate::admin::charts::{self, month_name};
use crate::admin::parts::{Cell, PagePart, Table, link};
use crate::admin::words::{Words, filled, number, t};
use crate::documents::document::{Document, DocumentTable};
use crate::documents::{csv as csv_of, xlsx as xlsx_of};
use crate::domain::people::hidden::ShownCount;
use crate::procedures::people::statistics::{SERIES, StatisticsView, ToldMonth};

/// A count as it stands in a cell.
fn cell(count: ShownCount) -> Cell {
    match count {
        ShownCount::Exactly(count) => Cell::Number(number(count).into()),
        ShownCount::FewerThanFive => Cell::Number("< 5".into()),
        ShownCount::Hidden => Cell::Read("··", t("dolt")),
    }
}

/// The same in a file.
fn text(count: ShownCount) -> String {
    match count {
        ShownCount::Exactly(count) => count.to_string(),
        ShownCount::FewerThanFive => "< 5".to_owned(),
        ShownCount::Hidden => "··".to_owned(),
    }
}

fn exactly(count: ShownCount) -> Option<u64> {
    match count {
        ShownCount::Exactly(count) => Some(count),
        ShownCount::FewerThanFive | ShownCount::Hidden => None,
    }
}

/// The page.
pub async fn statistics(asked: PageCall) -> Handled {
    let told = asked.people().statistics(asked.now).await?;
    let months = |name: &str| told.series.get(name).cloned().unwrap_or_default();
    let posts = months("log_posts");
    let Some(last) = posts.last().map(|month| month.month) else {
        let says =
            t("Det finns inga siffror än. Siffrorna för en månad visas från den 3:e i nästa.");
        return Ok(PageAnswer::View(view(t("Statistik"), vec![PagePart::Text(says)])));
    };
    let tiles = ["blocks_inner", "blocks_outer", "consents_in_force", "emergencies", "log_posts"];
    let tiles = tiles.map(|name| tile(name, &months(name)));
    let line: Vec<(String, Option<u64>)> =
        posts.iter().map(|month| (month_name(month.month), exactly(month.sum))).collect();
    let says = format!(
        "Loggposter per månad: {}",
        line.iter()
            .map(|(name, value)| format!("{name} {}", value.unwrap_or(0)))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let registered = months("blocks_registered");
    let bars: Vec<(String, u64)> = registered
        .last()
        .map(|month| {
            let names = told.providers.iter().map(|(_, name, _)| name.clone());
            let counts = month.providers.iter().map(|count| exactly(*count));
            names.zip(counts).filter_map(|(name, count)| Some((name, count?))).collect()
        })
        .unwrap_or_default();
    let mut parts = vec![
        PagePart::Text(filled(
            "Siffrorna gäller till och med {} och ändras inte i efterhand.",
            [month_name(last).into()],
        )),
        PagePart::Tiles(tiles.to_vec()),
        PagePart::Card(
            t("Loggposter per månad"),
            vec![
                PagePart::Figure(charts::line(&line, &says), Words::none()),
                PagePart::More(t("Visa som tabell"), vec![PagePart::Table(month_table(&posts))]),
            ],
        ),
    ];
    if !bars.is_empty() {
        let says = format!("Registrerade spärrar i {} per vårdgivare", month_name(last));
        parts.push(PagePart::Card(
            t("Registrerade spärrar, senaste månaden"),
            vec![PagePart::Figure(charts::bars(&bars, &says), Words::none())],
        ));
    }
    parts.push(PagePart::Card(t("Per vårdgivare"), vec![PagePart::Table(provider_table(&told))]));
    parts.push(available(&asked));
    let definitions = SERIES.iter().map(|series| {
        filled("{}: {}", [Words::Ours(series.title), Words::Ours(series.definition)])
    });
    let mut said: Vec<Words> = definitions.collect();
    said.push(t("Färre än fem visas som < 5. Där en summa annars skulle avslöja ett litet antal döljs även andra: ··. Antal i kraft hos en vårdgivare avrundas till närmaste femtal."));
    parts.push(PagePart::More(t("Så räknar vi"), vec![PagePart::Points(said)]));
    parts.push(PagePart::Links(vec![
        link("/statistik.csv", t("Hämta CSV")),
        link("/statistik.xlsx", t("Hämta XLSX")),
        link("/statistik.json", t("Hämta JSON")),
    ]));
    Ok(PageAnswer::View(view(t("Statistik"), parts)))
}

/// The least available function of each month.
fn available(asked: &PageCall) -> PagePart {
    let status = asked.people().status.view();
    let cells = status.months.iter().map(|(month, functions)| {
        let worst = functions.iter().filter_map(|(_, share)| *share).reduce(f64::min);
        vec![Cell::from(month_name(*month)), super::status::share(worst)]
    });
    PagePart::Card(
        t("Tillgänglighet"),
        vec![PagePart::Table(Table {
            caption: t("Den funktion som var minst tillgänglig, per månad"),
            head: vec![t("Månad"), t("Tillgänglighet")],
            rows: cells.collect(),
            empty: t("Inget är mätt än."),
        })],
    )
}

fn tile(name: &str, months: &[ToldMonth]) -> (Words, Words, Words) {
    let title = SERIES.iter().find(|series| series.name == name).map_or("", |series| series.title);
    let words = |count: Option<ShownCount>| match count {
        Some(count) => Words::from(match count {
            ShownCount::Exactly(count) => number(count),
            other => text(other),
        }),
        None => Words::from("–"),
    };
    let last = months.last().map(|month| month.sum);
    let before = months.len().checked_sub(2).and_then(|at| months.get(at));
    let says = match before {
        Some(before) => filled("Månaden före: {}", [words(Some(before.sum))]),
        None => t("Första månaden"),
    };
    (Words::Ours(title), words(last), says)
}

fn month_table(months: &[ToldMonth]) -> Table {
    Table {
        caption: t("Loggposter per månad"),
        head: vec![t("Månad"), t("Antal")],
        rows: months
            .iter()
            .map(|month| vec![Cell::from(month_name(month.month)), cell(month.sum)])
            .collect(),
        empty: t("Inga siffror."),
    }
}

/// The last month of every series, by provider, with the sum.
fn provider_table(told: &StatisticsView) -> Table {
    let mut rows = Vec::new();
    let last = |name: &str| told.series.get(name).and_then(|months| months.last());
    for (at, (_, name, _)) in told.providers.iter().enumerate() {
        let cells = SERIES.iter().map(|series| {
            let month = last(series.name);
            month
                .and_then(|month| month.providers.get(at))
                .map_or(Cell::from("–"), |count| cell(*count))
        });
        rows.push(std::iter::once(Cell::from(name.clone())).chain(cells).collect());
    }
    let sums =
        SERIES.iter().map(|series| last(series.name).map_or(Cell::from("–"), |m| cell(m.sum)));
    if !rows.is_empty() {
        rows.push(std::iter::once(Cell::from(t("Alla"))).chain(sums).collect());
    }
    let heads = SERIES.iter().map(|series| Words::Ours(series.title));
    Table {
        caption: t("Senaste månaden per vårdgivare"),
        head: std::iter::once(t("Vårdgivare")).chain(heads).collect(),
        rows,
        empty: t("Inga vårdgivare har något att visa."),
    }
}

/// Every figure that is told, as rows: what the page and all files are made of (S6).
fn document(told: &StatisticsView) -> Document {
    let mut rows = Vec::new();
    for series in SERIES {
        for month in told.series.get(series.name).into_iter().flatten() {
            let first = month.month.format("%Y-%m").to_string();
            let row = |who: &str, name: &str, county: &str, count: ShownCount| {
                [&first, series.title, who, name, county, &text(count)].map(str::to_owned).to_vec()
            };
            for ((id, name, county), count) in told.providers.iter().zip(&month.providers) {
                rows.push(row(id, name, county, *count));
            }
            rows.push(row("", "Alla", "", month.sum));
        }
    }
    let head = ["Månad", "Serie", "Vårdgivare", "Namn", "Län", "Antal"];
    Document {
        title: "Statistik".to_owned(),
        tables: vec![DocumentTable {
            caption: "Statistik".to_owned(),
            head: head.map(|name| (name.to_owned(), 0.17)).to_vec(),
            rows,
        }],
        ..Document::default()
    }
}

/// As CSV.
pub async fn csv(asked: PageCall) -> Handled {
    let document = document(&asked.people().statistics(asked.now).await?);
    let table = document.tables.first().ok_or(Refused::NotFound)?;
    let bytes = csv_of(table).map_err(|_| Refused::NotFound)?;
    Ok(PageAnswer::File(None, "statistik.csv".to_owned(), "text/csv; charset=utf-8", bytes))
}

/// As XLSX.
pub async fn xlsx(asked: PageCall) -> Handled {
    let document = document(&asked.people().statistics(asked.now).await?);
    let bytes = xlsx_of(&document).map_err(|_| Refused::NotFound)?;
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(PageAnswer::File(None, "statistik.xlsx".to_owned(), kind, bytes))
}

/// As JSON.
pub async fn json(asked: PageCall) -> Handled {
    let document = document(&asked.people().statistics(asked.now).await?);
    let keys = ["month", "series", "provider_id", "provider", "county", "value"];
    let rows: Vec<serde_json::Value> = document
        .tables
        .iter()
        .flat_map(|table| &table.rows)
        .map(|row| {
            keys.iter()
                .zip(row)
                .map(|(key, cell)| ((*key).to_owned(), cell.clone().into()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
        .collect();
    let text = serde_json::Value::from(rows).to_string();
    Ok(PageAnswer::File(None, "statistik.json".to_owned(), "application/json", text.into_bytes()))
}
