//! Random numbers, the same in every run with the same seed, and values of what the contracts know.

/// A small generator.
pub struct Random {
    seed: u64,
    /// The name of the element that is being made.
    pub within: String,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Self { seed, within: String::new() }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        // splitmix64
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 8).unwrap() % limit.max(1)
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        of.get(self.below(of.len()))
    }

    fn one(&mut self, of: &[&str]) -> String {
        of[self.below(of.len())].to_owned()
    }

    /// An attribute that should not stand there, now and then.
    pub fn attribute(&mut self) -> &'static str {
        match self.below(800) {
            0 => " odd=\"1\"",
            1 => " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"",
            2 => " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"x\"",
            _ => "",
        }
    }

    /// A value of a simple type: mostly one that is right.
    pub fn value(&mut self, of: &str) -> String {
        if self.one_in(300) {
            return self.one(&[
                "",
                " ",
                "\t\n",
                "x",
                "-1",
                "&amp;",
                "&#x200B;",
                "<![CDATA[x]]>",
                "<!-- c -->",
                "<?p?>",
                "&#xFFFD;",
                "\u{202e}x",
                "e\u{301}",
                "\u{1f600}",
                "true",
                "99999999999999999999",
            ]);
        }
        match of {
            "dateTime" | "date" => self.one(&[
                "2026-11-22T10:00:00",
                "2026-11-22T10:00:00Z",
                "2026-11-22T10:00:00.123456789+01:00",
                "2026-03-29T02:30:00",
                "2026-10-25T02:30:00",
                "0001-01-01T00:00:00",
                "9999-12-31T23:59:59",
                "2024-02-29T24:00:00",
                "2026-02-29T00:00:00",
                "-0001-01-01T00:00:00",
                "10000-01-01T00:00:00",
                "2026-11-22T10:00:60",
                "1969-12-31T23:59:59.999",
                "2038-01-19T03:14:08",
                "2026-11-22",
                "2020-01-01T00:00:00",
                "2030-12-31T23:59:59",
                "2026-11-22T10:00:00",
                "2026-11-23T10:00:00",
            ]),
            "int" | "integer" | "long" | "short" => self.one(&[
                "0",
                "1",
                "-1",
                "7",
                "2147483647",
                "-2147483648",
                "2147483648",
                "+5",
                "007",
                " 3 ",
                "1e3",
                "10000",
            ]),
            "boolean" => self.one(&["true", "false", "1", "0", "TRUE"]),
            "base64Binary" => self.one(&["", "AAAA", "A", "AA==", "%%%"]),
            _ => self.text(),
        }
    }

    fn text(&mut self) -> String {
        if !self.one_in(30) {
            let within = self.within.to_ascii_lowercase();
            if within == "root" {
                return self.one(&[
                    "1.2.752.129.2.1.3.1",
                    "1.2.752.129.2.1.3.1",
                    "1.2.752.129.2.1.3.3",
                ]);
            }
            if within == "extension" {
                return self.one(&["191212121212", "189001019802", "191212121272"]);
            }
            if ["blockid", "temporaryrevokeid", "assertionid", "logid", "orderid"]
                .contains(&within.as_str())
            {
                return format!("6a1f2c10-52f3-4a37-9d6e-{:012x}", self.below(40));
            }
            if within.ends_with("id") {
                return self.one(&["SE2321000016-VG01", "se2321000016-vg01", "SE2321000016-VE02"]);
            }
        }
        match self.below(24) {
            0 => "x".repeat(self.below(70)),
            1 => "å".repeat(self.below(300)),
            2 => "1.2.752.129.2.1.3.1".into(),
            3 => "1.2.752.129.2.1.3.3".into(),
            4..=7 => self.one(&["191212121212", "189001019802", "191212121272", "19121212121a"]),
            8..=11 => {
                self.one(&["SE2321000016-VG01", "se2321000016-vg01", "SE2321000016-VE02", "*"])
            }
            12 => format!("6a1f2c10-52f3-4a37-9d6e-{:012x}", self.below(8)),
            _ => self.one(&["SE2321000016-VG01", "text", "lak", "vko", "Vård och behandling"]),
        }
    }
}
