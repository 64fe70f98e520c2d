//! *Visa vilken vårdgivare*: which other care provider has blocked, in danger only, for a quarter of an hour.

use super::head::{head, to_overview};
use crate::admin::asked::{Handled, PageAnswer, PageCall, view};
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, Tone, field, form};
use crate::admin::words::{Words, filled, minute, t};
use crate::domain::people::roles::Role;
use crate::procedures::people::looking::{Activity, StoredLookup};

/// The two statements, and what they open.
pub async fn reveal(asked: PageCall) -> Handled {
    debug_assert!(asked.is(Role::Care), "the table says so");
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let is_open = lookup.named_until.is_some_and(|until| asked.now < until);
    let (danger, cannot) = (asked.form.says_yes("danger"), asked.form.says_yes("cannot"));
    let why = asked.form.get("why");
    let states_all = asked.is_post() && danger && cannot && !why.is_empty();
    let activity = if is_open || states_all { Activity::Emergency } else { Activity::Read };
    let viewed = asked.viewed(&lookup, (activity, None), &["Spärr"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let mut parts = head(&lookup, &facts.person, &viewed);
    if states_all {
        // The reason is part of what is logged.
        let matter = format!("Visa vilken vårdgivare: {why}");
        asked
            .viewed_several(&matter, (Activity::Emergency, None), &["Spärr"], &[&lookup.patient])
            .await?;
        asked.people().name_blockers(&lookup).await?;
        return Ok(PageAnswer::To(format!("/patient/{}/annan-vardgivare", lookup.id)));
    }
    let page = |parts| view(t("Visa vilken vårdgivare"), parts).back(to_overview(&lookup));
    if let Some(until) = lookup.named_until.filter(|_| is_open) {
        let mut rows = Vec::new();
        for provider in facts.other_blockers(&person.assignment.provider) {
            let unit = asked.people().unit(&person, &provider).await?;
            let phone = unit.as_ref().and_then(|unit| unit.phone.clone());
            let name = unit.map_or(provider.as_str().to_owned(), |unit| unit.provider_name);
            rows.push(vec![
                Cell::from(format!("{name} ({})", provider.as_str())),
                Cell::from(phone.unwrap_or_else(|| "–".to_owned())),
            ]);
        }
        parts.push(PagePart::Table(Table {
            caption: t("Vårdgivare som har spärrade uppgifter"),
            head: vec![t("Vårdgivare"), t("Telefon")],
            rows,
            empty: t("Ingen annan vårdgivare har spärrade uppgifter nu."),
        }));
        let says = filled(
            "Bara vårdgivaren själv kan häva sin spärr. Visas till {}; granskaren ser att du har öppnat sidan.",
            [minute(until).into()],
        );
        parts.push(PagePart::Notice(Tone::Note, says, vec![]));
        return Ok(PageAnswer::Patients(viewed, page(parts)));
    }
    parts.push(PagePart::Notice(
        Tone::Warning,
        t("Vem som har spärrat får bara visas vid fara för patientens liv eller allvarlig risk för hälsan. Din visning loggas som nödöppning och granskas."),
        vec![],
    ));
    let wrong = |is_missing: bool, words: Words| (asked.is_post() && is_missing).then_some(words);
    let missing = [
        wrong(!danger, t("Krävs för att visa.")),
        wrong(!cannot, t("Krävs för att visa.")),
        wrong(why.is_empty(), t("Skriv varför.")),
    ];
    let is_wrong = missing.iter().any(Option::is_some);
    parts.push(PagePart::form(statements(&asked, &lookup, missing)));
    Ok(PageAnswer::Patients(viewed, if is_wrong { page(parts).refused() } else { page(parts) }))
}

fn statements(asked: &PageCall, lookup: &StoredLookup, [a, b, c]: [Option<Words>; 3]) -> PageForm {
    let check = |name: &str| Control::Check(asked.form.says_yes(name));
    let fields = vec![
        field(
            "danger",
            t("Det finns fara för patientens liv eller allvarlig risk för hälsan"),
            check("danger"),
        )
        .error(a),
        field("cannot", t("Patienten kan inte tillfrågas"), check("cannot")).error(b),
        field("why", t("Varför"), Control::Area(asked.form.get("why").to_owned()))
            .hint(t("Skrivs i åtkomstloggen. Skriv inga hälsouppgifter."))
            .error(c),
    ];
    form(format!("/patient/{}/annan-vardgivare", lookup.id), fields, t("Visa")).dangerous()
}
