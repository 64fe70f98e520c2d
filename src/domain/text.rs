//! Texts as people and systems write them.

/// Whether an XML document, and with that every contract, can hold a character.
pub fn is_writable(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::is_writable;

    #[test]
    fn tabs_and_line_ends_can_be_written_and_other_controls_cannot() {
        assert!("å \t\n\r\u{7f}\u{85}😀".chars().all(is_writable));
        assert!(!"\0\u{7}\u{b}\u{c}\u{1f}\u{fffe}\u{ffff}".chars().any(is_writable));
    }
}
