//! Queues: what waits for the national service, jobs, the directory.

use crate::admin::asked::{Handled, PageAnswer, PageCall, view};
use crate::admin::parts::{Cell, PagePart, Table, Tone, form};
use crate::admin::start::or_none;
use crate::admin::words::{Words, counted, minute, number, t};

/// *Replikering*, with trying again at once.
pub async fn replication(asked: PageCall) -> Handled {
    let mut parts = Vec::new();
    if asked.is_post() {
        let person = asked.on_duty()?;
        let tried = asked.people().retry_replications(&person).await?;
        let says = counted(tried, "En ändring försöks igen nu.", "{} ändringar försöks igen nu.");
        parts.push(PagePart::Notice(Tone::Good, says, vec![]));
    }
    let waiting = asked.people().waiting().await?;
    for (tenant, waiting) in &waiting {
        // The block's id is no patient's.
        let rows = waiting.iter().map(|change| {
            vec![
                Cell::from(change.block_id.clone()),
                Cell::from(change.kind.clone()),
                Cell::from(minute(change.queued_at)),
                Cell::Number(change.attempts.to_string().as_str().into()),
                Cell::from(or_none(change.failure.as_deref())),
            ]
        });
        parts.push(PagePart::Card(
            Words::from(tenant.as_str()),
            vec![PagePart::Table(Table {
                caption: t("De äldsta ändringarna som väntar"),
                head: vec![t("Spärr-id"), t("Kontrakt"), t("Sedan"), t("Försök"), t("Senaste fel")],
                rows: rows.collect(),
                empty: t("Inget väntar."),
            })],
        ));
    }
    if waiting.is_empty() {
        parts.push(PagePart::Text(t("Inget väntar på den nationella tjänsten.")));
    } else {
        parts.push(PagePart::form(form("/drift/replikering", Vec::new(), t("Försök igen nu"))));
    }
    Ok(PageAnswer::View(view(t("Replikering"), parts)))
}

/// *Jobb*.
pub async fn jobs(asked: PageCall) -> Handled {
    let rows = asked.people().jobs().await?.into_iter().map(|job| {
        vec![
            Cell::from(job.kind),
            Cell::Number(number(job.count).into()),
            Cell::Number(number(job.leased).into()),
            Cell::from(or_none(job.due_at.map(minute).as_deref())),
            Cell::from(or_none(job.failure.as_deref())),
        ]
    });
    let table = Table {
        caption: t("Jobb som någon server gör eller ska göra"),
        head: vec![t("Slag"), t("Antal"), t("Görs nu"), t("Nästa"), t("Senaste fel")],
        rows: rows.collect(),
        empty: t("Inga jobb."),
    };
    Ok(PageAnswer::View(view(t("Jobb"), vec![PagePart::Table(table)])))
}

/// *Import*: what the directory holds.
pub async fn imports(asked: PageCall) -> Handled {
    let rows = asked.people().directories().await?.into_iter().map(
        |(tenant, (units, staff, assignments))| {
            vec![
                Cell::from(tenant),
                Cell::Number(number(units).into()),
                Cell::Number(number(staff).into()),
                Cell::Number(number(assignments).into()),
            ]
        },
    );
    let parts = vec![
        PagePart::Table(Table {
            caption: t("Katalogen"),
            head: vec![t("Tjänst"), t("Enheter"), t("Medarbetare"), t("Uppdrag")],
            rows: rows.collect(),
            empty: t("Ingen katalog är importerad."),
        }),
        PagePart::Text(t(
            "Kommandot sigill import directory FIL byter ut katalogen: enheter, medarbetare, uppdrag och arbetstider. sigill import consents hämtar samtycken från en annan tjänst.",
        )),
    ];
    Ok(PageAnswer::View(view(t("Import"), parts)))
}
