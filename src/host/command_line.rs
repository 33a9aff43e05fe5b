//! The options that the kernel was booted with.
//!
//! Split as the kernel does it (`next_arg` in lib/cmdline.c): white space
//! parts options unless it stands between double quotes, and quotes around an
//! option or a value are dropped.

use super::root::{Known, Root};
use super::text::clean;

const FILE: &str = "proc/cmdline";

/// The longest command line kept, in characters: COMMAND_LINE_SIZE on x86 is
/// 2,048, boot configuration from an initrd can lengthen it.
const LONGEST_LINE: usize = 8_192;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The whole line, cleaned for display.
    pub text: String,
    /// Its options for the kernel, in order. What follows `--` is for init
    /// and left out.
    pub options: Vec<BootOption>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootOption {
    pub name: String,
    /// What follows the first `=`, unquoted; `None` without a `=`.
    pub value: Option<String>,
}

impl CommandLine {
    pub(super) fn read(root: &Root) -> Known<CommandLine> {
        root.read_text(FILE).map(|text| CommandLine::parse(&text))
    }

    pub fn parse(text: &str) -> CommandLine {
        let text = clean(text, LONGEST_LINE);
        let options = split(&text)
            .into_iter()
            .take_while(|word| word != "--")
            .map(|word| BootOption::parse(&word))
            .collect();
        CommandLine { text, options }
    }

    /// The values of every option of this name, in order; an option without a
    /// `=` counts as `None`. As in the kernel, `-` and `_` are the same in a
    /// name. Whether the last value holds or all together is the option's own
    /// matter.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Option<&'a str>> {
        self.options
            .iter()
            .filter(move |option| same_name(&option.name, name))
            .map(|option| option.value.as_deref())
    }

    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }
}

impl BootOption {
    fn parse(word: &str) -> BootOption {
        let word = word
            .strip_prefix('"')
            .map_or(word, |rest| rest.strip_suffix('"').unwrap_or(rest));
        match word.split_once('=') {
            Some((name, value)) => {
                let bare = value.strip_prefix('"').unwrap_or(value);
                let bare = bare.strip_suffix('"').unwrap_or(bare);
                BootOption {
                    name: name.to_owned(),
                    value: Some(bare.to_owned()),
                }
            }
            None => BootOption {
                name: word.to_owned(),
                value: None,
            },
        }
    }
}

fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for character in text.chars() {
        if character == '"' {
            quoted = !quoted;
        }
        if character.is_whitespace() && !quoted {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(character);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn same_name(one: &str, other: &str) -> bool {
    let fold = |byte: u8| if byte == b'-' { b'_' } else { byte };
    one.bytes().map(fold).eq(other.bytes().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(name: &str, value: Option<&str>) -> BootOption {
        BootOption {
            name: name.into(),
            value: value.map(str::to_owned),
        }
    }

    #[test]
    fn options_split_at_white_space_and_the_first_equals_sign() {
        let line = CommandLine::parse("BOOT_IMAGE=/vmlinuz root=UUID=1 ro  quiet\n");
        assert_eq!(
            line.options,
            [
                option("BOOT_IMAGE", Some("/vmlinuz")),
                option("root", Some("UUID=1")),
                option("ro", None),
                option("quiet", None),
            ]
        );
        assert_eq!(line.text, "BOOT_IMAGE=/vmlinuz root=UUID=1 ro  quiet");
    }

    #[test]
    fn quotes_hold_white_space() {
        let line = CommandLine::parse(r#"dyndbg="file a.c +p; b" "weird=x y" empty= q="" end"#);
        assert_eq!(
            line.options,
            [
                option("dyndbg", Some("file a.c +p; b")),
                option("weird", Some("x y")),
                option("empty", Some("")),
                option("q", Some("")),
                option("end", None),
            ]
        );
    }

    #[test]
    fn an_open_quote_runs_to_the_end() {
        assert_eq!(
            CommandLine::parse("a=\"b c").options,
            [option("a", Some("b c"))]
        );
    }

    #[test]
    fn what_is_meant_for_init_is_left_out() {
        let line = CommandLine::parse("quiet -- isolcpus=1");
        assert!(line.has("quiet") && !line.has("isolcpus"));
    }

    #[test]
    fn dashes_and_underscores_are_the_same_in_names() {
        let line = CommandLine::parse("rcu-nocbs=1 rcu_nocbs=2");
        assert_eq!(
            line.values("rcu_nocbs").collect::<Vec<_>>(),
            [Some("1"), Some("2")]
        );
        assert!(!line.has("rcu"));
    }
}
