//! Figures of months for everybody: fixed once, and told only where no patient can be seen in them.

use super::on_duty::People;
use crate::domain::people::availability::month as bounds;
use crate::domain::people::hidden::{ShownCount, hide, is_published, rounded};
use crate::domain::time::{Timestamp, local};
use crate::procedures::failure::StoreError;
use crate::store::people::statistics::Figure;
use chrono::{Datelike, Months, NaiveDate};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// As the store names it.
    pub name: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// How it is counted.
    pub definition: &'static str,
    /// Whether it is how many there are at the month's end (S3).
    pub is_stock: bool,
    /// Whether it counts patients' things, so that small ones are hidden (S1).
    pub is_hidden: bool,
}

const fn of_patients(
    name: &'static str,
    title: &'static str,
    definition: &'static str,
    is_stock: bool,
) -> Series {
    Series { name, title, definition, is_stock, is_hidden: true }
}

/// All that everybody is told (S7: reviews and remarks are not).
pub const SERIES: [Series; 14] = [
    of_patients(
        "blocks_inner",
        "Inre spärrar i kraft",
        "Inre spärrar som varken var hävda eller makulerade vid månadens slut.",
        true,
    ),
    of_patients(
        "blocks_outer",
        "Yttre spärrar i kraft",
        "Yttre spärrar som varken var hävda eller makulerade vid månadens slut.",
        true,
    ),
    of_patients(
        "blocks_registered",
        "Registrerade spärrar",
        "Spärrar som registrerades under månaden.",
        false,
    ),
    of_patients(
        "blocks_revoked",
        "Hävda spärrar",
        "Spärrar som hävdes för gott under månaden.",
        false,
    ),
    of_patients(
        "blocks_annulled",
        "Makulerade spärrar",
        "Spärrar som makulerades under månaden, för att de var felregistrerade.",
        false,
    ),
    of_patients(
        "lifted_consent",
        "Tillfälliga hävningar, samtycke",
        "Spärrar som hävdes tillfälligt under månaden med patientens samtycke.",
        false,
    ),
    of_patients(
        "lifted_emergency",
        "Tillfälliga hävningar, nödsituation",
        "Spärrar som hävdes tillfälligt under månaden i en nödsituation.",
        false,
    ),
    of_patients(
        "consents_in_force",
        "Samtycken i kraft",
        "Samtycken som gällde vid månadens slut.",
        true,
    ),
    of_patients(
        "consents_registered",
        "Registrerade samtycken",
        "Samtycken som registrerades under månaden.",
        false,
    ),
    of_patients(
        "consents_ended_staff",
        "Avslutade samtycken, av personal",
        "Samtycken som personal avslutade eller makulerade under månaden.",
        false,
    ),
    of_patients(
        "consents_ended_patient",
        "Avslutade samtycken, av patienten",
        "Samtycken som patienten själv avslutade under månaden.",
        false,
    ),
    of_patients(
        "emergencies",
        "Nödsituationer",
        "Intyg om nödsituation som registrerades under månaden.",
        false,
    ),
    Series {
        name: "log_posts",
        title: "Loggposter",
        definition: "Loggposter vars händelse låg i månaden, hos den vårdgivare vars personal hade åtkomst.",
        is_stock: false,
        is_hidden: false,
    },
    of_patients(
        "extracts",
        "Loggutdrag till patienter",
        "Loggutdrag som lämnades ut under månaden.",
        false,
    ),
];

/// A month of a series: each provider's figure and the sum, as they may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldMonth {
    /// The first of the month.
    pub month: NaiveDate,
    /// By provider, in the view's order.
    pub providers: Vec<ShownCount>,
    /// Of all together.
    pub sum: ShownCount,
}

/// All that is told.
#[derive(Debug, Clone, Default)]
pub struct StatisticsView {
    /// Care providers: id, name, county.
    pub providers: Vec<(String, String, String)>,
    /// Series by name, each with its months.
    pub series: BTreeMap<&'static str, Vec<ToldMonth>>,
}

/// Months that are told.
const MONTHS: u32 = 12;

fn first_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

impl People {
    /// Fixes the figures of months that are over and may be told, the oldest first; one call fixes a month of a tenant
    /// at the most. Returns whether there was one.
    ///
    /// # Errors
    /// The store's.
    pub async fn fix_statistics(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let today = local(now).date();
        let this = first_of(today);
        for tenant in self.services.tenants.all() {
            let fixed = self.services.store.fixed_months(tenant.id).await?;
            let months =
                (1..=MONTHS).rev().filter_map(|ago| this.checked_sub_months(Months::new(ago)));
            for month in months.filter(|month| is_published(*month, today)) {
                if !fixed.contains(&month) {
                    self.services.store.fix_month(tenant.id, month, bounds(month), now).await?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What everybody may be told (S1 to S8).
    ///
    /// # Errors
    /// The store's.
    pub async fn statistics(&self, now: Timestamp) -> Result<StatisticsView, StoreError> {
        let store = &self.services.store;
        let this = first_of(local(now).date());
        let since = this.checked_sub_months(Months::new(MONTHS)).unwrap_or(this);
        let (figures, names) = tokio::join!(store.figures(since), store.provider_names());
        Ok(told(&figures?, &names?.into_iter().collect()))
    }
}

/// What may be told of figures.
fn told(figures: &[Figure], names: &HashMap<String, String>) -> StatisticsView {
    let ids: BTreeMap<String, (&str, &str)> = figures
        .iter()
        .filter(|figure| !figure.provider_id.is_empty())
        .map(|figure| {
            (figure.provider_id.trim().to_lowercase(), (&*figure.provider_id, &*figure.county))
        })
        .collect();
    let months: BTreeSet<NaiveDate> = figures.iter().map(|figure| figure.month).collect();
    let mut by: HashMap<(&str, NaiveDate, String), u64> = HashMap::new();
    for figure in figures {
        let key = (&*figure.series, figure.month, figure.provider_id.trim().to_lowercase());
        *by.entry(key).or_default() += u64::try_from(figure.value).unwrap_or_default();
    }
    let month_of = |series: &Series, month: NaiveDate| {
        let counts: Vec<u64> = ids
            .keys()
            .map(|id| by.get(&(series.name, month, id.clone())).copied().unwrap_or(0))
            .collect();
        shown(series, month, &counts)
    };
    let series = SERIES.iter().map(|series| {
        let told: Vec<ToldMonth> = months.iter().map(|month| month_of(series, *month)).collect();
        (series.name, told)
    });
    let providers = ids.iter().map(|(key, (id, county))| {
        let name = names.get(key).cloned().unwrap_or_else(|| (*id).to_owned());
        ((*id).to_owned(), name, (*county).to_owned())
    });
    StatisticsView { providers: providers.collect(), series: series.collect() }
}

/// A month of a series as it may be told: hidden first, then rounded, so that the sum is one of what is shown.
fn shown(series: &Series, month: NaiveDate, counts: &[u64]) -> ToldMonth {
    if !series.is_hidden {
        let providers = counts.iter().map(|count| ShownCount::Exactly(*count)).collect();
        return ToldMonth { month, providers, sum: ShownCount::Exactly(counts.iter().sum()) };
    }
    let rows: Vec<Vec<u64>> = counts.iter().map(|count| vec![*count]).collect();
    let hidden = hide(&rows, false);
    let rounding = |told: ShownCount| match told {
        ShownCount::Exactly(count) if series.is_stock => ShownCount::Exactly(rounded(count)),
        told => told,
    };
    let providers = hidden.cells.iter().filter_map(|row| row.first().copied()).map(rounding);
    let sum = hidden.column_sums.first().copied().unwrap_or(ShownCount::Exactly(0));
    ToldMonth { month, providers: providers.collect(), sum: rounding(sum) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(provider: &str, series: &str, value: i64) -> Figure {
        Figure {
            month: NaiveDate::from_ymd_opt(2026, 10, 1).unwrap(),
            provider_id: provider.into(),
            county: String::new(),
            series: series.into(),
            value,
        }
    }

    #[test]
    fn s5_and_s6_what_is_told_is_hidden_and_by_provider_only() {
        let figures = [
            figure("A", "blocks_inner", 3),
            figure("B", "blocks_inner", 42),
            figure("C", "blocks_inner", 12),
            figure("A", "log_posts", 1),
        ];
        let view = told(&figures, &HashMap::from([("b".to_owned(), "Beta".to_owned())]));
        assert_eq!(view.providers[1], ("B".to_owned(), "Beta".to_owned(), String::new()));
        let blocks = &view.series["blocks_inner"][0];
        let expected = [ShownCount::FewerThanFive, ShownCount::Exactly(40), ShownCount::Hidden];
        assert_eq!(blocks.providers, expected);
        assert_eq!(blocks.sum, ShownCount::Exactly(55));
        assert_eq!(view.series["log_posts"][0].providers[0], ShownCount::Exactly(1));
    }

    #[test]
    fn s7_reviews_and_remarks_are_not_among_what_everybody_is_told() {
        assert!(SERIES.iter().all(|series| !series.name.contains("review")));
    }

    #[test]
    fn s8_every_series_says_how_it_is_counted() {
        assert!(SERIES.iter().all(|series| series.definition.len() > 20));
    }
}
