//! WSDL and schema files as they are served: the address is the endpoint's own, and imports
//! lead back to it.

use crate::messages::generated::{Interaction, SCHEMAS};

/// The WSDL of a contract whose endpoint is at `address`.
pub fn wsdl(interaction: Interaction, address: &str) -> String {
    let address = attribute(address);
    let text = with_imports(interaction.wsdl(), &address);
    text.replace("location=\"http://tempuri.org\"", &format!("location=\"{address}\""))
}

/// A schema file by its file name.
pub fn schema(name: &str, address: &str) -> Option<String> {
    let (_, text) = SCHEMAS.iter().find(|(file, _)| *file == name)?;
    Some(with_imports(text, &attribute(address)))
}

/// `schemaLocation="any/path/x.xsd"` becomes `schemaLocation="{address}?xsd=x.xsd"`.
fn with_imports(text: &str, address: &str) -> String {
    const MARK: &str = "schemaLocation=\"";
    let mut parts = text.split(MARK);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (location, rest) = part.split_once('"').unwrap_or((part, ""));
        let file = location.rsplit('/').next().unwrap_or(location);
        out += &format!("{MARK}{address}?xsd={file}\"{rest}");
    }
    out
}

/// Text inside an attribute's quotes.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::generated::LogInteraction;

    #[test]
    fn imports_and_address_lead_back_to_the_endpoint() {
        let text = wsdl(Interaction::Log(LogInteraction::StoreLog), "http://h:1/p");
        assert!(text.contains("<soap:address location=\"http://h:1/p\"/>"));
        assert!(text.contains("schemaLocation=\"http://h:1/p?xsd=StoreLogResponder_2.0.xsd\""));
        assert!(!text.contains("../"));
        let schema = schema("StoreLogResponder_2.0.xsd", "http://h:1/p").unwrap();
        let core = "schemaLocation=\"http://h:1/p?xsd=informationsecurity_auditing_log_2.0.xsd\"";
        assert!(schema.contains(core));
    }

    #[test]
    fn every_import_names_a_file_that_is_served() {
        for interaction in Interaction::ALL {
            let mut open = vec![wsdl(interaction, "")];
            while let Some(text) = open.pop() {
                for part in text.split("?xsd=").skip(1) {
                    let name = part.split('"').next().unwrap();
                    open.push(schema(name, "").expect(name));
                }
            }
        }
    }
}
