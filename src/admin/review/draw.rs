//! *Kontrollera dragningen*: what was sealed, which checkpoint decided, the steps, and the draw made again.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, view};
use crate::admin::parts::{Cell, PagePart, Table, Tone, link};
use crate::admin::request::hex;
use crate::admin::words::{Words, day, filled, minute, number as digits, t};
use crate::domain::people::roles::Role;
use crate::domain::review::draw::DrawMode;
use crate::procedures::review::draw_file::ShownDraw;
use crate::procedures::review::reviewing::StoredReview;

async fn review_of(asked: &PageCall) -> Result<StoredReview, Refused> {
    let number = asked.part("n").parse().map_err(|_| Refused::NotFound)?;
    let person = asked.on_duty()?;
    asked.people().review_for_proof(&person, number).await?.ok_or(Refused::NotFound)
}

/// The page.
pub async fn draw(asked: PageCall) -> Handled {
    let review = review_of(&asked).await?;
    let person = asked.on_duty()?;
    let shown = asked.people().shown_draw(&person, &review).await?.ok_or(Refused::NotFound)?;
    let mut parts = Vec::new();
    match (review.decided_by.as_deref(), shown.is_same) {
        (Some("random"), _) => parts.push(PagePart::Notice(
            Tone::Warning,
            t("Dragningen går inte att kontrollera: loggen var inte förseglad, och slumptalen kom från systemet."),
            vec![],
        )),
        (_, Some(true)) => parts.push(PagePart::Notice(
            Tone::Good,
            t("Dragningen är omräknad nu, och ger samma resultat."),
            vec![],
        )),
        (_, Some(false)) => parts.push(PagePart::Notice(
            Tone::Bad,
            t("Dragningen är omräknad nu, och ger ett annat resultat."),
            vec![],
        )),
        (_, None) => parts.push(PagePart::Notice(
            Tone::Note,
            t("Kungörelsen är gjord. Loggens nästa signerade kontrollpunkt avgör dragningen."),
            vec![],
        )),
    }
    if shown.notices > 1 {
        parts.push(PagePart::Notice(
            Tone::Bad,
            filled(
                "Det finns {} kungörelser för enheten och månaden. Det ska bara finnas en.",
                [digits(shown.notices).into()],
            ),
            vec![],
        ));
    }
    parts.push(PagePart::Facts(facts(&review, &shown)));
    parts.push(PagePart::Card(t("Så räknas det"), vec![PagePart::Points(steps())]));
    if let DrawMode::Sample(_) = shown.notice.mode {
        parts.push(PagePart::Table(staff(&shown)));
    }
    if review.checkpoint.is_some() {
        let to = format!("/granskning/{}/dragning/fil", review.review_number);
        parts.push(PagePart::Links(vec![link(to, t("Hämta filen"))]));
        parts.push(PagePart::Text(t(
            "Med filen och loggens publika nyckel kan vem som helst räkna om dragningen: sigill review verify-draw FIL --key NYCKEL",
        )));
    }
    let title = filled("Dragningen av granskning {}", [review.review_number.to_string().into()]);
    let back = match asked.is(Role::Reviewer) || asked.is(Role::LogAdmin) {
        true => link(format!("/granskning/{}", review.review_number), t("Granskning")),
        false => link("/uppfoljning", t("Uppföljning")),
    };
    Ok(PageAnswer::View(view(title, parts).back(back)))
}

fn facts(review: &StoredReview, shown: &ShownDraw) -> Vec<(Words, Cell)> {
    let notice = &shown.notice;
    let mode = match notice.mode {
        DrawMode::All => t("Alla tillfällen"),
        DrawMode::Sample(share) => filled(
            "{} procent av {} medarbetare",
            [share.to_string().into(), digits(notice.frame.0 as u64).into()],
        ),
    };
    let days: Vec<String> = notice.days.iter().map(|on| on.format("%-d").to_string()).collect();
    let mut facts = vec![
        (t("Enhet"), Cell::from(review.unit_name.clone())),
        (t("Månad"), Cell::from(notice.month.text())),
        (t("Urval"), Cell::from(mode)),
        (
            t("Möjliga dagar"),
            Cell::from(filled(
                "{}: {}",
                [notice.month.before().text().into(), days.join(", ").into()],
            )),
        ),
        (t("Loggens storlek vid kungörelsen"), Cell::from(digits(notice.log_size))),
        (t("Kungörelsens kontrollsumma"), Cell::from(hex(&shown.hash))),
        (t("Kungjord"), Cell::from(review.announced_at.map_or(t("–"), |at| minute(at).into()))),
    ];
    if let Some(leaf) = shown.leaf {
        facts.push((t("Kungörelsens löv"), Cell::from(digits(leaf))));
    }
    if let Some((size, root)) = shown.checkpoint {
        let before = shown.size_before.map_or(t("–"), |before| digits(before).into());
        facts.push((t("Kontrollpunkten före"), Cell::from(before)));
        facts.push((t("Avgörande kontrollpunkt"), Cell::from(digits(size))));
        facts.push((t("Dess rot"), Cell::from(hex(&root))));
    }
    if let Some(seed) = &shown.seed {
        facts.push((t("Frö"), Cell::from(hex(seed))));
    }
    if let Some(on) = review.day {
        facts.push((t("Dragen dag"), Cell::from(day(on))));
    }
    facts
}

fn steps() -> Vec<Words> {
    vec![
        t("Kungörelsen förseglas i loggen innan någon vet vad som blir draget."),
        t("Den första signerade kontrollpunkten som innehåller kungörelsen avgör."),
        t(
            "Fröet är SHA-256 över ”sigill/draw/1”, en nollbyte, rotens kontrollsumma, storleken och kungörelsens kontrollsumma.",
        ),
        t(
            "Tal är SHA-256 över fröet och en räknare, åtta byte åt gången; dagen är ett index bland de möjliga dagarna.",
        ),
        t(
            "Medarbetare blandas i ordning efter sina HSA-id; de första räknas, och den som inte har något tillfälle den dagen ersätts av nästa.",
        ),
    ]
}

fn staff(shown: &ShownDraw) -> Table {
    let rows = shown.drawn.iter().zip(1_u64..).map(|(one, order)| {
        let told = match one.is_reviewed {
            true => Cell::Chip(Tone::Good, t("Granskas")),
            false => Cell::Chip(Tone::Quiet, t("Inget tillfälle den dagen, ersatt")),
        };
        vec![Cell::from(digits(order)), Cell::from(one.employee.to_uppercase()), told]
    });
    Table {
        caption: t("Dragna medarbetare"),
        head: vec![t("Ordning"), t("Medarbetare (HSA-id)"), t("Utfall")],
        rows: rows.collect(),
        empty: t("Listan är inte gjord än."),
    }
}

/// The file by which anybody can repeat it.
pub async fn file(asked: PageCall) -> Handled {
    let review = review_of(&asked).await?;
    let text = asked.people().draw_file(&review).await?.ok_or(Refused::NotFound)?;
    let name = format!("dragning-{}.json", review.review_number);
    Ok(PageAnswer::File(None, name, "application/json", text.into_bytes()))
}
