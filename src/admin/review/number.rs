//! A patient's number in a form of the review: a wrong check digit is a question, as everywhere.

use crate::admin::asked::PageCall;
use crate::admin::parts::{Control, FormField, field};
use crate::admin::words::{Words, t};
use crate::domain::identity::PatientId;

/// The patient whose number is written, if one is.
///
/// # Errors
/// What to write instead, or that the check digit is asked about.
pub fn written(asked: &PageCall) -> Result<Option<PatientId>, Words> {
    let number = match asked.form.get("patient") {
        "" => return Ok(None),
        text => asked.people().read_number(text).map_err(Words::Ours)?,
    };
    match number.has_wrong_check_digit && !asked.form.says_yes("anyway") {
        true => Err(t(
            "Kontrollsiffran stämmer inte. Kontrollera numret, eller kryssa i att det är rätt.",
        )),
        false => Ok(Some(number.patient)),
    }
}

/// The fields that ask for it: with the question of the check digit, where it is wrong.
pub fn fields(asked: &PageCall, hint: Words, wrong: Option<Words>) -> Vec<FormField> {
    let sent = asked.form.get("patient");
    let is_asked = !sent.is_empty()
        && asked.people().read_number(sent).is_ok_and(|number| number.has_wrong_check_digit);
    let line = Control::Line("text", sent.to_owned());
    let mut fields = vec![field("patient", t("Patientens nummer"), line).hint(hint).error(wrong)];
    if is_asked {
        let check = Control::Check(asked.form.says_yes("anyway"));
        fields.push(field("anyway", t("Numret är rätt, fast kontrollsiffran inte stämmer"), check));
    }
    fields
}
