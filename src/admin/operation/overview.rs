//! *Drift*: readiness, what retention would remove, the seal, grants.

use crate::admin::asked::{Handled, PageAnswer, PageCall, view};
use crate::admin::parts::{Cell, PagePart, Table, Tone};
use crate::admin::start::or_none;
use crate::admin::words::{Words, counted, filled, minute, number, t};
use crate::procedures::people::operation::Due;
use crate::procedures::readiness::Obstacle;

/// *Drift*.
pub async fn overview(asked: PageCall) -> Handled {
    let readiness = asked.people().readiness().await?;
    let state = match readiness.obstacle {
        None => Cell::Chip(Tone::Good, t("Svarar och lagrar")),
        Some(Obstacle::NoDatabase) => Cell::Chip(Tone::Bad, t("Databasen svarar inte")),
        Some(Obstacle::ReadOnly) => Cell::Chip(Tone::Bad, t("Databasen tar inte emot ändringar")),
        Some(Obstacle::DiskLow) => Cell::Chip(Tone::Warning, t("Ont om utrymme")),
        Some(Obstacle::StoringFails) => Cell::Chip(Tone::Bad, t("Loggposter kan inte lagras")),
    };
    let seconds = |seconds: u64| Cell::from(format!("{} s", number(seconds)));
    let rows = readiness.replication.iter().map(|status| {
        vec![
            Cell::from(status.tenant.clone()),
            Cell::Number(number(status.waiting).into()),
            Cell::Number(number(status.failing).into()),
            Cell::from(or_none(status.oldest_at.map(minute).as_deref())),
        ]
    });
    let seal = &readiness.seal;
    let parts = vec![
        PagePart::Facts(vec![
            (t("Läge"), state),
            (t("Äldsta loggpost utan försegling"), seconds(readiness.leaf_waits)),
            (t("Loggrader som ingen tog emot"), Cell::from(number(readiness.lines_dropped))),
            (t("Annan servers klocka före"), seconds(readiness.clock_ahead)),
            (
                t("Loggens försegling"),
                match (&seal.distrusted, seal.findings) {
                    (Some(_), _) => Cell::Chip(Tone::Bad, t("Databasen är inte betrodd")),
                    (None, 0) => Cell::Chip(Tone::Good, t("Inga avvikelser")),
                    (None, count) => {
                        Cell::Chip(Tone::Bad, counted(count as u64, "1 avvikelse", "{} avvikelser"))
                    }
                },
            ),
        ]),
        PagePart::Card(
            t("Replikering"),
            vec![PagePart::Table(Table {
                caption: t("Ändringar som den nationella tjänsten inte har bekräftat"),
                head: vec![t("Tjänst"), t("Väntar"), t("Misslyckas"), t("Äldsta")],
                rows: rows.collect(),
                empty: t("Ingen tjänst här replikerar till en annan."),
            })],
        ),
    ];
    Ok(PageAnswer::View(view(t("Drift"), parts)))
}

/// *Gallring*: what would be removed now, and holds.
pub async fn retention(asked: PageCall) -> Handled {
    let due = asked.people().due().await?;
    let holds = asked.people().holds().await?;
    let row = |kind: &str, tenant: &str, due: &Due| {
        vec![
            Cell::from(tenant.to_owned()),
            Cell::from(match kind {
                "assertions" => t("Samtycken"),
                "blocks" => t("Spärrar"),
                _ => t("Loggposter"),
            }),
            Cell::from(due.care_provider_id.clone()),
            Cell::Number(number(due.count).into()),
            Cell::Number(number(due.held).into()),
        ]
    };
    let rows =
        due.iter().flat_map(|(kind, tenant, all)| all.iter().map(|due| row(kind, tenant, due)));
    let held = holds.iter().map(|held| {
        vec![
            Cell::from(held.number.to_string()),
            Cell::from(held.tenant.clone()),
            Cell::from(if held.hold.patient.is_some() {
                t("En patient")
            } else {
                t("Alla patienter")
            }),
            Cell::from(or_none(held.hold.care_provider.as_deref())),
            Cell::from(minute(held.placed_at)),
            Cell::from(held.reason.clone()),
        ]
    });
    let parts = vec![
        PagePart::Table(Table {
            caption: t("Gallras vid nästa körning"),
            head: vec![t("Tjänst"), t("Slag"), t("Vårdgivare"), t("Ska gallras"), t("Undantas")],
            rows: rows.collect(),
            empty: t("Inget är gammalt nog."),
        }),
        PagePart::Table(Table {
            caption: t("Undantag från gallring"),
            head: vec![
                t("Nr"),
                t("Tjänst"),
                t("Gäller"),
                t("Vårdgivare"),
                t("Sedan"),
                t("Anledning"),
            ],
            rows: held.collect(),
            empty: t("Inga undantag. Kommandot sigill hold lägger till ett."),
        }),
    ];
    Ok(PageAnswer::View(view(t("Gallring"), parts)))
}

/// *Loggens försegling*.
pub async fn seal(asked: PageCall) -> Handled {
    let seal = asked.people().readiness().await?.seal;
    let (name, size) = match &seal.checked {
        Some((name, size)) => (Words::from(name.as_str()), Words::from(number(*size))),
        None => (t("–"), t("–")),
    };
    let mut parts = vec![PagePart::Facts(vec![
        (t("Logg"), name.into()),
        (t("Poster i den senaste kontrollpunkten"), size.into()),
        (t("Den här servern signerar"), Cell::from(if seal.signs { t("Ja") } else { t("Nej") })),
        (t("Avvikelser som ingen har kvitterat"), Cell::from(number(seal.findings as u64))),
    ])];
    if let Some(why) = &seal.distrusted {
        parts.push(PagePart::Notice(
            Tone::Bad,
            filled("Servern litar inte på databasen: {}", [why.as_str().into()]),
            vec![],
        ));
    }
    parts.push(PagePart::Text(t("Kommandot sigill log verify kontrollerar hela loggen.")));
    Ok(PageAnswer::View(view(t("Loggens försegling"), parts)))
}

/// *Behörigheter*: what systems are granted by the store.
pub async fn grants(asked: PageCall) -> Handled {
    let grants = asked.people().grants().await?;
    let rows = grants.iter().map(|grant| {
        let state = match &grant.ended {
            Some(_) => Cell::Chip(Tone::Quiet, t("Avslutad")),
            None => Cell::Chip(Tone::Good, t("Gäller")),
        };
        vec![
            Cell::from(grant.number.to_string()),
            Cell::from(grant.terms.consumer.clone()),
            Cell::from(grant.terms.contracts.join(", ")),
            Cell::from(grant.terms.care_providers.join(", ")),
            state,
        ]
    });
    let parts = vec![
        PagePart::Table(Table {
            caption: t("Systemens behörigheter"),
            head: vec![t("Nr"), t("System"), t("Kontrakt"), t("Vårdgivare"), t("Läge")],
            rows: rows.collect(),
            empty: t("Inga behörigheter i databasen. Inställningsfilen kan ha egna."),
        }),
        PagePart::Text(t("De ändras med kommandot sigill grants.")),
    ];
    Ok(PageAnswer::View(view(t("Behörigheter"), parts)))
}
