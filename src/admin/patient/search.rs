//! *Sök patient*: a number and a matter give a look-up, whose id stands in addresses instead of the patient.

use crate::admin::asked::{Handled, PageAnswer, PageCall, view};
use crate::admin::parts::{Control, PageForm, PagePart, Tone, field, form};
use crate::admin::words::{Words, t};
use crate::domain::people::roles::Role;

/// What a patient is looked up for.
pub const MATTERS: [(&str, Words); 4] = [
    ("present", t("Patienten är här")),
    ("request", t("Begäran")),
    ("correction", t("Rättelse")),
    ("other", t("Annat")),
];

/// The search, and what comes of it.
pub async fn search(asked: PageCall) -> Handled {
    if !asked.is_post() {
        return Ok(PageAnswer::View(view(
            t("Sök patient"),
            vec![PagePart::form(search_form(&asked, None, None))],
        )));
    }
    let form = &asked.form;
    let written = asked.people().read_number(form.get("number"));
    let matter = form.get("matter").to_owned();
    let matter_error = if !MATTERS.iter().any(|(name, _)| *name == matter) {
        Some(t("Välj varför du söker."))
    } else if matter != "present" && form.get("case").is_empty() {
        Some(t("Skriv ett ärendenummer eller varför."))
    } else {
        None
    };
    let (number, matter_error) = match (written, matter_error) {
        (Ok(number), None) => (number, None),
        (number, error) => {
            let wrong = number.err().map(Words::from);
            let form = search_form(&asked, wrong, error);
            return Ok(PageAnswer::View(
                view(t("Sök patient"), vec![PagePart::form(form)]).refused(),
            ));
        }
    };
    if number.has_wrong_check_digit && !form.says_yes("anyway") {
        // Test persons and old registers have such numbers: it is a question, not a refusal.
        let again = search_form(&asked, None, matter_error).carrying("anyway", "yes");
        let again = PageForm { button: t("Sök ändå"), ..again };
        let says =
            t("Kontrollsiffran stämmer inte. Kontrollera numret, eller sök ändå om det är rätt.");
        let parts = vec![PagePart::Notice(Tone::Warning, says, vec![]), PagePart::form(again)];
        return Ok(PageAnswer::View(view(t("Sök patient"), parts).refused()));
    }
    let person = asked.on_duty()?;
    let lookup = asked.people().look_up(&person, number, (&matter, form.get("case"))).await?;
    // Information security sees who has read, and not the registers.
    let sees_patient =
        [Role::Care, Role::BlockAdmin, Role::LogAdmin].iter().any(|role| asked.is(*role));
    let page = if sees_patient { "" } else { "/lasningar" };
    Ok(PageAnswer::To(format!("/patient/{}{page}", lookup.id)))
}

fn search_form(
    asked: &PageCall,
    number_error: Option<Words>,
    matter_error: Option<Words>,
) -> PageForm {
    let sent = &asked.form;
    let matters = MATTERS.map(|(name, words)| (name.to_owned(), words, Words::none())).to_vec();
    let number = field(
        "number",
        t("Personnummer, samordningsnummer eller reservnummer"),
        Control::Line("text", sent.get("number").to_owned()),
    )
    .hint(t(
        "Tio eller tolv tecken, till exempel 19121212-1212. Numret visas aldrig i någon adress.",
    ))
    .error(number_error);
    let matter = match sent.get("matter") {
        "" => "present",
        matter => matter,
    };
    let matter =
        field("matter", t("Varför söker du?"), Control::Choice(matters, matter.to_owned()));
    let case = field(
        "case",
        t("Ärendenummer eller förklaring"),
        Control::Line("text", sent.get("case").to_owned()),
    )
    .hint(t("Behövs om patienten inte är här. Det skrivs i åtkomstloggen."))
    .error(matter_error);
    form("/patient", vec![number, matter, case], t("Sök"))
}
