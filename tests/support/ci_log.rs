//! The rules by which CI systems and terminals read a program's output, written down again from
//! their sources: what a line of a log does beyond being shown.

/// Commands that the runner of GitHub Actions registers (`ActionCommandManager.cs`).
const GITHUB_COMMANDS: [&str; 16] = [
    "stop-commands",
    "internal-set-repo-path",
    "set-env",
    "set-output",
    "save-state",
    "add-mask",
    "add-path",
    "add-matcher",
    "remove-matcher",
    "warning",
    "error",
    "notice",
    "debug",
    "group",
    "endgroup",
    "echo",
];

/// Returns everything that a CI system or a terminal would obey in an output.
pub(crate) fn obeyed(output: &str) -> Vec<String> {
    let lines = output.split(['\n', '\r']);
    let mut found: Vec<String> = lines
        .filter_map(|line| {
            let command = github_current(line).or_else(|| github_former(line));
            let named = command.map(|name| format!("GitHub: {name}"));
            named.or_else(|| marker(line))
        })
        .collect();
    found.extend(gitlab_section(output));
    found.extend(controls(output));
    found
}

fn registered(name: &str) -> Option<&str> {
    let name = name.split(' ').next()?;
    GITHUB_COMMANDS
        .iter()
        .any(|command| command.eq_ignore_ascii_case(name))
        .then_some(name)
}

/// `ActionCommand.TryParseV2`: `::name properties::data`, white space in front trimmed.
fn github_current(line: &str) -> Option<&str> {
    let line = line.trim_start().strip_prefix("::")?;
    registered(&line[..line.find("::")?])
}

/// `ActionCommand.TryParse`: `##[name properties]data`, anywhere in a line.
fn github_former(line: &str) -> Option<&str> {
    let (_, command) = line.split_once("##[")?;
    registered(&command[..command.find(']')?])
}

/// Markers that are looked for anywhere: those of TeamCity and Azure, and those with which the web
/// pages of GitHub and Azure format a line.
fn marker(line: &str) -> Option<String> {
    ["##teamcity[", "##vso[", "##["]
        .into_iter()
        .find(|marker| line.to_ascii_lowercase().contains(marker))
        .map(str::to_owned)
}

/// `Gitlab::Regex.build_trace_section_regex`: `section_start:TIME:NAME[options]\r\e[0K`.
fn gitlab_section(output: &str) -> Option<String> {
    let pattern = r"section_(start|end):\d+:[a-zA-Z0-9_.-]+(\[(\w+=\w+)(, ?\w+=\w+)*\])?\r\x1b\[0K";
    let found = regex::Regex::new(pattern).unwrap().find(output)?;
    Some(format!("GitLab: {}", found.as_str().escape_debug()))
}

/// Characters that a terminal obeys, colours left aside, and those that reorder text.
fn controls(output: &str) -> Option<String> {
    let colours = regex::Regex::new(r"\x1b\[[0-9;:]*m").unwrap();
    let plain = colours.replace_all(output, "");
    let active = |c: &char| {
        (c.is_control() && !['\n', '\t'].contains(c))
            || ('\u{202a}'..='\u{202e}').contains(c)
            || ('\u{2066}'..='\u{2069}').contains(c)
    };
    let found = plain.chars().find(active)?;
    Some(format!("control {}", found.escape_unicode()))
}

#[test]
fn the_rules_find_what_they_are_for() {
    for output in [
        "::error::x",
        "x\n \u{a0}::add-mask::x",
        "x\r::Set-Output name=x::y",
        "text ##[add-path]/tmp",
        "##[group]x",
        "##vso[task.setvariable variable=x]y",
        "##teamcity[buildStop comment='x']",
        "\u{1b}[0Ksection_start:1600000000:a[collapsed=true]\r\u{1b}[0Kx",
        "\u{1b}[2J",
        "\u{9b}2J",
        "\u{202e}x",
    ] {
        assert!(!obeyed(output).is_empty(), "{output:?}");
    }
    for output in [
        "a ::error::x",
        "::unknown::x",
        "\u{1b}[1mx\u{1b}[0m",
        "#[x]",
    ] {
        assert_eq!(obeyed(output), [""; 0], "{output:?}");
    }
}
