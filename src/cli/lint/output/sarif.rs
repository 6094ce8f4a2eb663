//! For code scanning: SARIF 2.1.0. <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Component, Path};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::super::sanitize::write_json;
use super::super::finding::{Finding, Severity};
use super::super::rule::{ALL, Rule};
use super::super::run::{Checked, Outcome};

pub(in super::super) fn write(outcome: &Outcome, output: &mut impl Write) -> io::Result<()> {
    let mut results = Vec::new();
    for file in &outcome.files {
        // Of findings that are alike, each has its number: a fingerprint names one.
        let mut alike: HashMap<[u8; 32], u32> = HashMap::new();
        results.extend(file.findings.iter().map(|finding| result(file, finding, &mut alike)));
    }
    let failed: Vec<_> = outcome
        .failed
        .iter()
        .map(|(path, why)| {
            json!({
                "level": "error",
                "message": { "text": literal(why) },
                "locations": [{ "physicalLocation": { "artifactLocation": artifact(path) } }],
            })
        })
        .collect();
    let artifacts: Vec<_> = outcome
        .files
        .iter()
        .map(|file| {
            let media_type = if file.is_message { "message/rfc822" } else { "text/html" };
            json!({ "location": artifact(&file.path), "length": file.bytes, "mimeType": media_type })
        })
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "openclick",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": ALL.iter().map(|rule| described(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": outcome.failed.is_empty(),
                "toolExecutionNotifications": failed,
            }],
            "artifacts": artifacts,
            "results": results,
        }],
    });
    write_json(output, &log)
}

/// §3.27.10: a note is one there too.
fn level(severity: Severity) -> &'static str {
    severity.as_str()
}

fn described(rule: &Rule) -> Value {
    let summary = literal(&format!("{}.", rule.summary));
    json!({
        "id": rule.code,
        "name": pascal(rule.name),
        "shortDescription": { "text": summary },
        "fullDescription": { "text": literal(rule.why) },
        "help": {
            "text": literal(&format!("{}.\n\n{}", rule.help, rule.why)),
            "markdown": literal(&format!("**{}.**\n\n{}", escaped(rule.help), escaped(rule.why))),
        },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": ["email", rule.name] },
    })
}

fn result(file: &Checked, finding: &Finding, alike: &mut HashMap<[u8; 32], u32>) -> Value {
    let mut hash = Sha256::new();
    // Neither the place nor the message: a fingerprint outlives edits elsewhere in the file.
    hash.update(finding.code);
    hash.update([0]);
    hash.update(&finding.context);
    let hash: [u8; 32] = hash.finalize().into();
    let number = alike.entry(hash).and_modify(|number| *number += 1).or_insert(1);
    let mut fingerprint = String::new();
    for byte in &hash[..16] {
        let _ = write!(fingerprint, "{byte:02x}");
    }
    let _ = write!(fingerprint, ":{number}");
    json!({
        "ruleId": finding.code,
        "ruleIndex": ALL.iter().position(|rule| rule.code == finding.code),
        "level": level(finding.severity),
        "message": { "text": literal(&format!("{}. {}.", capital(&finding.message), finding.help)) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact(&file.path),
            "region": {
                "startLine": finding.line,
                "startColumn": finding.column,
                "endLine": finding.end_line,
                "endColumn": finding.end_column,
                "byteOffset": finding.range.start,
                "byteLength": finding.range.len(),
            },
        }}],
        "partialFingerprints": { "openclickFinding/v1": fingerprint },
    })
}

/// §3.11.5: braces stand for arguments unless they are doubled. §3.11.6: brackets make links.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' => literal.push_str("{{"),
            '}' => literal.push_str("}}"),
            '[' => literal.push_str("\\["),
            ']' => literal.push_str("\\]"),
            c => literal.push(c),
        }
    }
    literal
}

/// Markdown that shows the text as it is; brackets are for [`literal`].
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '<' | '>' | '*' | '_' | '`' | '#' | '\\' | '|') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// `SizeByWhat`
fn pascal(name: &str) -> String {
    name.split('-').map(capital).collect()
}

/// §3.4: a relative path as a relative URI under the root of the sources, an absolute one as a `file:` URI.
fn artifact(path: &Path) -> Value {
    if path.is_absolute() {
        return json!({ "uri": format!("file://{}", encoded(path)) });
    }
    json!({ "uri": encoded(path), "uriBaseId": "%SRCROOT%" })
}

/// A path with slashes, everything but RFC 3986's unreserved characters encoded.
fn encoded(path: &Path) -> String {
    let mut uri = String::new();
    for component in path.components().filter(|component| *component != Component::CurDir) {
        if !uri.is_empty() && !uri.ends_with('/') {
            uri.push('/');
        }
        if component == Component::RootDir {
            uri.push('/');
            continue;
        }
        for byte in component.as_os_str().as_encoded_bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    uri.push(char::from(*byte))
                }
                _ => {
                    let _ = write!(uri, "%{byte:02X}");
                }
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_of_paths() {
        assert_eq!(encoded(Path::new("./mails/a b[1].html")), "mails/a%20b%5B1%5D.html");
        assert_eq!(encoded(Path::new("../ä:x.eml")), "../%C3%A4%3Ax.eml");
        assert_eq!(artifact(Path::new("/a/b.html"))["uri"], "file:///a/b.html");
        assert_eq!(artifact(Path::new("-"))["uri"], "-");
    }

    #[test]
    fn texts_are_literal() {
        assert_eq!(literal("a {{x}} [y](z)"), "a {{{{x}}}} \\[y\\](z)");
        assert_eq!(pascal("vml-twin-differs"), "VmlTwinDiffers");
    }
}
