//! *Granskningsplan*: who reviews which unit and how; units without a plan first.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{Cell, Control, FormField, PagePart, Table, Tone, field, form, link};
use crate::admin::words::{Words, counted, filled, t};
use crate::domain::identity::HsaId;
use crate::domain::review::calendar::ReviewMonth;
use crate::procedures::review::planning::{AskedPlan, StoredPlan};

/// Every unit with its plan.
pub async fn plans(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let units = asked.people().planned_units(&person).await?;
    let without = units.iter().filter(|(.., plan)| plan.is_none()).count();
    let mut parts = Vec::new();
    if without > 0 {
        let says = counted(
            without as u64,
            "En enhet saknar granskningsplan.",
            "{} enheter saknar granskningsplan.",
        );
        parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
    }
    let rows = units.iter().map(|(id, name, plan)| {
        let to = format!("/granskning/plan/{}", id.as_str());
        let change = match plan {
            Some(_) => link(to, t("Ändra")),
            None => link(to, t("Gör en plan")),
        };
        let mut row = vec![Cell::from(name.clone())];
        match plan {
            Some(plan) => row.extend([
                Cell::from(mode(plan)),
                Cell::from(plan.reviewer_id.clone()),
                Cell::from(plan.deputy_id.clone().map_or(t("–"), Words::from)),
                Cell::from(ReviewMonth::of(plan.active_from).text()),
            ]),
            None => row.extend([
                Cell::Chip(Tone::Bad, t("Plan saknas")),
                Cell::from(t("–")),
                Cell::from(t("–")),
                Cell::from(t("–")),
            ]),
        }
        row.push(Cell::Link(change.about(name.as_str())));
        row
    });
    parts.push(PagePart::Table(Table {
        caption: t("Enheter"),
        head: vec![
            t("Enhet"),
            t("Urval"),
            t("Granskare"),
            t("Ersättare"),
            t("Från månad"),
            t("Plan"),
        ],
        rows: rows.collect(),
        empty: t("Inga enheter. De kommer från den importerade katalogen."),
    }));
    parts.push(PagePart::Text(t(
        "Varje enhet med plan får en granskning i månaden. Den dras den första klockan sex och ska vara klar den sjunde, eller nästa arbetsdag. Ingen kan ställas in.",
    )));
    let page = view(t("Granskningsplan"), parts).back(link("/granskning", t("Granskning")));
    Ok(PageAnswer::View(page))
}

fn mode(plan: &StoredPlan) -> Words {
    match plan.mode.as_str() {
        "sample" => filled("{} procent av personalen", [plan.share_percent.to_string().into()]),
        _ => t("Alla tillfällen"),
    }
}

/// A unit's plan.
pub async fn plan(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let unit = HsaId::new(asked.part("p")).ok_or(Refused::NotFound)?;
    let units = asked.people().planned_units(&person).await?;
    let found = units.into_iter().find(|(id, ..)| *id == unit).ok_or(Refused::NotFound)?;
    let mut parts = Vec::new();
    let sent = |name: &str| asked.form.get(name).to_owned();
    let is_refused = asked.is_post();
    if asked.is_post() {
        let share = match sent("mode").as_str() {
            "sample" => Some(sent("share").parse().unwrap_or(0)),
            "all" => None,
            _ => return Err(Refused::NotFound),
        };
        let new = AskedPlan {
            unit: unit.as_str().to_owned(),
            sample: share,
            reviewer: sent("reviewer"),
            deputy: sent("deputy"),
        };
        match refusal_of(asked.people().set_plan(&person, &new).await)? {
            Ok(()) => return Ok(PageAnswer::To("/granskning/plan".to_owned())),
            Err(refusal) => {
                let says = Words::from(refusal.text.into_owned());
                parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
            }
        }
    }
    let fields = fields(&asked, found.2.as_ref());
    let to = format!("/granskning/plan/{}", unit.as_str());
    parts.push(PagePart::form(form(to, fields, t("Spara planen"))));
    let title = filled("Plan för {}", [found.1.clone().into()]);
    let page = view(title, parts).back(link("/granskning/plan", t("Granskningsplan")));
    Ok(PageAnswer::View(if is_refused { page.refused() } else { page }))
}

fn fields(asked: &PageCall, plan: Option<&StoredPlan>) -> Vec<FormField> {
    let is_refused = asked.is_post();
    let sent = |name: &str| asked.form.get(name).to_owned();
    let or = |name: &str, kept: Option<String>| {
        if is_refused { sent(name) } else { kept.unwrap_or_default() }
    };
    let modes = vec![
        ("all".to_owned(), t("Alla tillfällen den dragna dagen"), Words::none()),
        (
            "sample".to_owned(),
            t("En del av personalen"),
            t("Där enheten är för stor, eller personalen inte kan delas upp."),
        ),
    ];
    let kept = |of: fn(&StoredPlan) -> String| plan.map(of);
    let mode = or("mode", kept(|plan| plan.mode.clone()).or(Some("all".to_owned())));
    let share = kept(|plan| plan.share_percent.to_string())
        .filter(|_| plan.is_some_and(|plan| plan.mode == "sample"));
    let line = |text: String| Control::Line("text", text);
    vec![
        field("mode", t("Vad granskas"), Control::Choice(modes, mode)),
        field(
            "share",
            t("Procent av personalen"),
            line(or("share", share.or(Some("10".to_owned())))),
        )
        .hint(t("5 till 100. Gäller bara när en del av personalen granskas.")),
        field(
            "reviewer",
            t("Granskare (HSA-id)"),
            line(or("reviewer", kept(|plan| plan.reviewer_id.clone()))),
        ),
        field(
            "deputy",
            t("Ersättare (HSA-id)"),
            line(or("deputy", plan.and_then(|plan| plan.deputy_id.clone()))),
        )
        .hint(t(
            "Bedömer granskarens egna tillfällen. Utan ersättare gör loggadministratören det.",
        )),
    ]
}
