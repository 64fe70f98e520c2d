//! Copying the inner blocks of a unit to another one, as when units merge: shown first, then all of them or none.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, View, refusal_of, view};
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, Tone, field, form, link};
use crate::admin::patient::{register_consent::chosen, told};
use crate::admin::words::{Words, counted, filled, t};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::people::number;
use crate::procedures::blocking::change::{CopiedBlocks, copy_inner};
use crate::procedures::people::facts::{Histories, UnitList};
use crate::procedures::people::looking::Activity;
use chrono::TimeDelta;

/// Blocks that are copied at one time.
const COPIED_MAX: i64 = 500;

/// The choice, what will be copied, and the copying.
pub async fn copy(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let units = asked.people().own_units(&person).await?;
    let (from, to) = (chosen(&units, asked.form.get("from")), chosen(&units, asked.form.get("to")));
    let mut wrong = (None, None);
    let (mut found, mut too_many): (Histories, bool) = (Vec::new(), false);
    if asked.is_post() {
        wrong = wrong_choice(from, to);
        if let (Some(from), None) = (from, &wrong.1) {
            (found, too_many) = standing(&asked, from).await?;
        }
    }
    let mut patients: Vec<&PatientId> = Vec::new();
    for (history, _) in &found {
        if !patients.contains(&&history.block.content.patient) {
            patients.push(&history.block.content.patient);
        }
    }
    let saves = asked.form.get("step") == "save" && wrong.0.is_none() && wrong.1.is_none();
    let activity = if saves { Activity::Write } else { Activity::Read };
    let viewed = asked
        .viewed_several("Kopiera inre spärrar", (activity, Some("lista")), &["Spärr"], &patients)
        .await?;
    let is_wrong = wrong.0.is_some() || wrong.1.is_some();
    let mut parts = Vec::new();
    if let (true, Some(to), false) = (saves, to, too_many) {
        let copied = CopiedBlocks {
            blocks: &found,
            to,
            owner: asked.people().system.0.as_str(),
            action: person.action(asked.now, None, asked.now),
            new_id: asked.people().new_id,
        };
        let context = asked.people().context(&person, "pages");
        match refusal_of(copy_inner(&context, copied).await)? {
            Ok(count) => {
                let says =
                    counted(count as u64, "En spärr är kopierad.", "{} spärrar är kopierade.");
                let on = vec![link("/enhet/sparrar", t("Till enhetens spärrar"))];
                parts.push(PagePart::Notice(Tone::Good, says, on));
                return Ok(PageAnswer::Patients(viewed, view(t("Kopiera inre spärrar"), parts)));
            }
            Err(refusal) => {
                let text = Words::from(refusal.text.into_owned());
                parts.push(PagePart::Notice(Tone::Bad, text, vec![]));
            }
        }
    }
    if too_many {
        parts.push(PagePart::Notice(
            Tone::Bad,
            t("Enheten har fler än 500 inre spärrar. Kopieringen görs av driften."),
            vec![],
        ));
    } else if asked.is_post() && !is_wrong {
        parts.push(preview(&asked, &found, (from, to)).await?);
    }
    parts.push(PagePart::form(choice(&asked, &units, wrong)));
    let page =
        view(t("Kopiera inre spärrar"), parts).back(link("/enhet/sparrar", t("Enhetens spärrar")));
    Ok(PageAnswer::Patients(
        viewed,
        View { status: if is_wrong || too_many { 422 } else { 200 }, ..page },
    ))
}

/// What is wrong with a choice of units.
fn wrong_choice(from: Option<&HsaId>, to: Option<&HsaId>) -> (Option<Words>, Option<Words>) {
    let missing = || t("Välj en enhet.");
    let of_to = match (from, to) {
        (_, None) => Some(missing()),
        (Some(from), Some(to)) if from == to => Some(t("Välj en annan enhet än den som kopieras.")),
        _ => None,
    };
    (from.is_none().then(missing), of_to)
}

/// The blocks in force at a unit that were registered here, and whether there are more than can be copied at one time.
async fn standing(asked: &PageCall, unit: &HsaId) -> Result<(Histories, bool), Refused> {
    let person = asked.on_duty()?;
    let list = UnitList {
        provider: person.assignment.provider.clone(),
        unit: Some(unit.clone()),
        in_force: true,
        before: (asked.now + TimeDelta::days(1), 0),
        most: COPIED_MAX + 1,
        now: asked.now,
    };
    let mut found = asked.people().blocks_of_unit(&person, list).await?;
    let too_many = i64::try_from(found.len()).is_ok_and(|count| count > COPIED_MAX);
    found.retain(|(history, _)| history.action.is_some());
    Ok((found, too_many))
}

/// What would be copied, and the button that does it.
async fn preview(
    asked: &PageCall,
    found: &Histories,
    (from, to): (Option<&HsaId>, Option<&HsaId>),
) -> Result<PagePart, Refused> {
    let person = asked.on_duty()?;
    let ids: Vec<HsaId> = [from, to].into_iter().flatten().cloned().collect();
    let names = asked.people().names_for(&person, &ids).await?;
    let rows = found.iter().map(|(history, _)| {
        let content = &history.block.content;
        vec![
            Cell::from(number::shown(&content.patient)),
            Cell::from(told::span(&content.period)),
            Cell::from(told::exempted(content)),
        ]
    });
    let table = Table {
        caption: t("Det här kopieras"),
        head: vec![t("Patient"), t("Tid"), t("Undantag")],
        rows: rows.collect(),
        empty: t("Enheten har inga inre spärrar som registrerats här."),
    };
    let whom = to.map(|to| names.of(to)).unwrap_or_default();
    let mut shown = vec![
        PagePart::Text(filled("Till {}. Alla kopieras, eller ingen.", [whom.into()])),
        PagePart::Table(table),
    ];
    if !found.is_empty() {
        let save = form("/enhet/sparrar/kopiera", Vec::new(), t("Kopiera"))
            .carrying("from", asked.form.get("from"))
            .carrying("to", asked.form.get("to"))
            .carrying("step", "save");
        shown.push(PagePart::form(save));
    }
    Ok(PagePart::Card(t("Så här blir det"), shown))
}

fn choice(
    asked: &PageCall,
    units: &[(HsaId, String)],
    (from, to): (Option<Words>, Option<Words>),
) -> PageForm {
    let choices: Vec<(String, Words)> = units
        .iter()
        .map(|(id, name)| (id.as_str().to_owned(), Words::from(name.as_str())))
        .collect();
    let select = |name: &str| Control::Select(choices.clone(), asked.form.get(name).to_owned());
    let fields = vec![
        field("from", t("Från enhet"), select("from")).error(from),
        field("to", t("Till enhet"), select("to")).error(to),
    ];
    form("/enhet/sparrar/kopiera", fields, t("Så här blir det…"))
}
