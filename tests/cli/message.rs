//! Whole messages through the command: as a filter, into a program, and what is said of them.

use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::{Sandbox, run};

const MESSAGE: &str = "From: shop@example.com\r\nTo: reader@example.org\r\nMessage-ID: <m1@example.com>\r\n\
    X-Virtual-MTA: news-1\r\nContent-Type: text/html\r\n\r\n\
    <p><a href=\"https://shop.example/\">Shop</a></p>\r\n";

const SETTINGS: &str = "--tracking-domain t.example.com --key-file KEYS";

/// What the tracking URLs of an output say, as JSON lines.
fn decoded(sandbox: &Sandbox, output: &str) -> Vec<serde_json::Value> {
    let urls: Vec<&str> = output
        .split("https://t.example.com/")
        .skip(1)
        .map(|rest| rest.split(['"', '>', ' ']).next().unwrap_or_default())
        .collect();
    let said = sandbox.run(&format!("decode {SETTINGS}"), urls.join("\n")).ok();
    said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_message_from_stdin_comes_out_trackable() {
    let sandbox = Sandbox::new();
    for format in ["", "--format message", "--format auto"] {
        let output = sandbox.run(&format!("rewrite {SETTINGS} {format}"), MESSAGE).ok();
        let (header, body) = output.split_once("\r\n\r\n").expect("a blank line");
        assert_eq!(Some(header), MESSAGE.split("\r\n\r\n").next());
        assert!(body.starts_with("<div style=") && body.ends_with("border:0\">"), "{body}");
        let tokens = decoded(&sandbox, &output);
        let kinds: Vec<_> = tokens.iter().map(|token| token["kind"].as_str().unwrap_or_default()).collect();
        assert_eq!(kinds, ["initial_open", "click", "open"]);
        for token in &tokens {
            assert_eq!(token["message_id"], "m1@example.com");
            assert_eq!(token["recipient"], "reader@example.org");
        }
    }
}

#[test]
fn a_message_without_an_id_gets_one() {
    let sandbox = Sandbox::new();
    let message = MESSAGE.replace("Message-ID: <m1@example.com>\r\n", "");
    let run = sandbox.run(&format!("rewrite {SETTINGS}"), &message);
    assert_eq!(run.err, "");
    let output = run.ok();
    let id =
        output.strip_prefix("X-Sp-Message-Id: ").and_then(|rest| rest.split("\r\n").next()).expect("an id");
    assert_eq!(id.len(), 32);
    assert_eq!(decoded(&sandbox, &output)[0]["message_id"], id);
    // With it, a second pass finds its own token and leaves the message alone.
    assert_eq!(sandbox.run(&format!("rewrite {SETTINGS}"), &output).ok(), output);
}

#[test]
fn flags_stand_above_headers_and_headers_above_streams_and_the_file() {
    let sandbox = Sandbox::new();
    let message = MESSAGE.replace("Content-Type", "X-Job: spring\r\nContent-Type");
    sandbox.write(
        "o.toml",
        "tracking-domain = \"t.example.com\"\nkey-file = \"KEYS\"\ncampaign = \"file\"\n\
         [[stream]]\nmatch.virtual-mta = \"news-*\"\nsubaccount = \"7\"\ninitial-open = false\ncampaign = \"stream\"\n",
    );
    let output = sandbox.run("rewrite --config o.toml", &message).ok();
    let tokens = decoded(&sandbox, &output);
    assert_eq!(tokens.len(), 2, "no pixel at the start");
    assert_eq!((&tokens[0]["campaign"], &tokens[0]["subaccount"]), (&"spring".into(), &"7".into()));
    let output = sandbox.run("rewrite --config o.toml --campaign flag", &message).ok();
    assert_eq!(decoded(&sandbox, &output)[0]["campaign"], "flag");
    let output = sandbox.run("rewrite --config o.toml", MESSAGE).ok();
    assert_eq!(decoded(&sandbox, &output)[0]["campaign"], "stream");
    let run = sandbox.run("rewrite --config o.toml --explain", &message);
    assert!(run.err.starts_with("stream: 1 ("), "{}", run.err);
    assert!(run.err.contains("campaign         spring"), "{}", run.err);
}

#[test]
fn a_signed_message_passes() {
    let sandbox = Sandbox::new();
    let message = format!("DKIM-Signature: v=1; b=x\r\n{MESSAGE}");
    assert_eq!(sandbox.run(&format!("rewrite {SETTINGS}"), &message).ok(), message);
    let output = sandbox.run(&format!("rewrite {SETTINGS} --on-signed strip"), &message).ok();
    assert!(output.starts_with("From: ") && output.contains("https://t.example.com/"), "{output}");
    let output = sandbox.run(&format!("rewrite {SETTINGS} --on-signed rewrite"), &message).ok();
    assert!(output.starts_with("DKIM-Signature: ") && output.contains("https://t.example.com/"), "{output}");
}

#[test]
fn api_headers_go_where_they_are_to() {
    let sandbox = Sandbox::new();
    let message =
        format!("X-MSYS-API: {{\"options\": {{\"click_tracking\": false}}}}\r\nX-Job: j\r\n{MESSAGE}");
    let output = sandbox.run(&format!("rewrite {SETTINGS} --strip-api-headers sparkpost"), &message).ok();
    assert!(output.starts_with("X-Job: j\r\nFrom: "), "{output}");
    assert!(output.contains("href=\"https://shop.example/\""), "{output}");
}

#[test]
#[cfg(unix)]
fn the_mail_goes_to_a_program() {
    let sandbox = Sandbox::new();
    let exec = |script: &str, input: &str, more: &str| {
        let line = format!("rewrite {SETTINGS} {more} --exec sh -c");
        let mut command = sandbox.command(line.split_whitespace());
        command.args([script, "--", "--config"]);
        run(command, input)
    };
    let plain = sandbox.run(&format!("rewrite {SETTINGS}"), MESSAGE).ok();
    assert_eq!(exec("cat; echo \"$1\"", MESSAGE, "").ok(), format!("{plain}--config\n"));
    // Its code comes back where an MTA knows it, else the mail is tried again.
    for (script, code) in
        [("cat > got; exit 67", 67), ("exit 75", 75), ("cat; exit 1", 75), ("kill -9 $$", 75)]
    {
        let run = exec(script, MESSAGE, "");
        assert_eq!(run.code, Some(code), "{script}: {}", run.err);
        assert!(run.err.starts_with("openclick: rewrite: m1@example.com: --exec: sh"), "{}", run.err);
    }
    // It has not delivered what it did not read, or not to its end.
    let big = format!("{MESSAGE}{}", "x".repeat(1 << 20));
    for (script, input) in [("exit 0", MESSAGE), ("exit 0", &big), ("head -c 100000 > got", &big)] {
        let run = exec(script, input, "");
        assert_eq!(run.code, Some(75), "{script}");
        assert_eq!(
            run.err,
            "openclick: rewrite: m1@example.com: --exec: sh ended before it had read the mail\n"
        );
    }
    // By its name it is another open file on some systems.
    assert_eq!(exec("cat /dev/stdin > got", &big, "").code, Some(0));
    assert_eq!(sandbox.read("got"), sandbox.run(&format!("rewrite {SETTINGS}"), &big).ok());
    // Where we fail the mail passes, if it is to.
    let failing = exec("cat > got", MESSAGE, "--report /dev/full");
    assert_eq!((failing.code, std::fs::exists(sandbox.path("got")).unwrap()), (Some(75), true));
    std::fs::remove_file(sandbox.path("got")).unwrap();
    let failing = exec("cat > got", MESSAGE, "--report /dev/full");
    assert_eq!((failing.code, std::fs::exists(sandbox.path("got")).unwrap()), (Some(75), false));
    assert_eq!(exec("cat > got", MESSAGE, "--report /dev/full --on-error pass").code, Some(0));
    assert_eq!(sandbox.read("got"), MESSAGE);
    // A program that is not there, and none at all.
    let missing = sandbox.run(&format!("rewrite {SETTINGS} --exec nonesuch"), MESSAGE);
    missing.fails(75, "openclick: rewrite: m1@example.com: --exec: nonesuch: no such file or directory");
    sandbox
        .run(&format!("rewrite {SETTINGS} --exec"), MESSAGE)
        .fails(75, "openclick: rewrite: m1@example.com: --exec: expected a program and its arguments");
}

/// SIGKILL while the program reads: it has the whole mail nevertheless. The mail is then tried again, so that it may
/// arrive twice, but never half.
#[test]
#[cfg(unix)]
fn a_killed_filter_delivers_no_half_mail() {
    let sandbox = Sandbox::new();
    // More than any pipe holds.
    let big = format!("{MESSAGE}{}", "x".repeat(4 << 20));
    let line = format!("rewrite {SETTINGS} --exec sh -c");
    let mut command = sandbox.command(line.split_whitespace());
    command.arg("head -c 10 > part; touch started; until [ -e killed ]; do sleep 0.01; done; cat >> part; mv part got");
    // `sh` would outlive the test's wait on pipes that it has inherited.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(big.as_bytes()).unwrap();
    wait_for(&sandbox, "started");
    child.kill().unwrap();
    child.wait().unwrap();
    sandbox.write("killed", "");
    wait_for(&sandbox, "got");
    assert!(sandbox.read("got") == sandbox.run(&format!("rewrite {SETTINGS}"), &big).ok());
}

#[cfg(unix)]
fn wait_for(sandbox: &Sandbox, name: &str) {
    let start = Instant::now();
    while !sandbox.path(name).exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "{name} does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A log tells which mail it was, in one line, and never for whom.
#[test]
#[cfg(target_os = "linux")]
fn every_failure_names_the_mail() {
    let sandbox = Sandbox::new();
    sandbox.write("m.eml", MESSAGE);
    let long = MESSAGE.replace("m1@example.com", "m1\u{1b}[2J@example.com");
    for (line, input, id, code) in [
        ("rewrite --tracking-domain t.example.com --key-file nope", MESSAGE, "m1@example.com: ", 75),
        ("rewrite --config nope --on-error pass", MESSAGE, "m1@example.com: ", 0),
        ("rewrite --nonsense --on-error pass", MESSAGE, "m1@example.com: ", 0),
        (&format!("rewrite {SETTINGS} -o /dev/full"), MESSAGE, "m1@example.com: ", 75),
        (&format!("rewrite {SETTINGS} --report /dev/full"), MESSAGE, "m1@example.com: ", 75),
        (&format!("rewrite {SETTINGS} -o /dev/full m.eml"), "", "m1@example.com: ", 74),
        (&format!("rewrite {SETTINGS} --exec false reader@example.org"), MESSAGE, "m1@example.com: ", 75),
        (&format!("rewrite {SETTINGS} m.eml --exec false"), "", "m1@example.com: ", 75),
        // What cannot be an id is none.
        (&format!("rewrite {SETTINGS} --exec false"), &long, "", 75),
        // Before the mail is read.
        (&format!("rewrite {SETTINGS} --exec"), MESSAGE, "", 75),
        ("rewrite --nonsense", MESSAGE, "", 75),
    ] {
        let run = sandbox.run(line, input);
        assert_eq!(run.code, Some(code), "{line}: {}", run.err);
        assert!(run.err.starts_with(&format!("openclick: rewrite: {id}")), "{line}: {}", run.err);
        assert_eq!(run.err.matches('\n').count(), 1, "{line}: {}", run.err);
        assert!(!run.err.contains("reader@"), "{line}: {}", run.err);
    }
}

#[test]
fn of_nothing_no_mail_is_made() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&format!("rewrite {SETTINGS}"), "").ok(), "");
    sandbox
        .run(&format!("rewrite {SETTINGS} --exec cat"), "")
        .fails(75, "openclick: rewrite: expected a mail, found nothing");
    // A mail of headers alone passes.
    for header in ["Subject: x", "Content-Type: text/html\r\n"] {
        assert_eq!(sandbox.run(&format!("rewrite {SETTINGS}"), header).ok(), header);
    }
}

/// SIGKILL while a message is written: what was there stays.
#[test]
#[cfg(unix)]
fn a_killed_filter_leaves_no_half_file() {
    let sandbox = Sandbox::new();
    let big = format!("{MESSAGE}{}", "x".repeat(8 << 20));
    let whole = sandbox.run(&format!("rewrite {SETTINGS}"), &big).ok();
    let line = format!("rewrite {SETTINGS} -o out");
    for step in 0..12 {
        sandbox.write("out", "old");
        let mut child = sandbox.command(line.split_whitespace()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(big.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(step * 8));
        child.kill().unwrap();
        child.wait().unwrap();
        let out = sandbox.read("out");
        assert!(out == "old" || out == whole, "{} bytes after {step}", out.len());
    }
}

#[test]
fn a_report_of_parts() {
    let sandbox = Sandbox::new();
    sandbox.run(&format!("rewrite {SETTINGS} --report r.json"), MESSAGE).ok();
    let report: serde_json::Value = serde_json::from_str(&sandbox.read("r.json")).expect("JSON");
    assert_eq!(report["message_id"], "m1@example.com");
    assert_eq!(report["parts"][0]["path"], "1");
    assert_eq!(report["parts"][0]["rewritten"], true);
    assert_eq!(report["links"][0]["part"], 0);
}

#[test]
fn links_in_plain_text_by_flag_variable_and_file() {
    let sandbox = Sandbox::new();
    let message = "Message-ID: <m1@example.com>\r\nX-Virtual-MTA: news-1\r\n\r\n\
        Shop: https://shop.example/.\r\nhttps://shop.example/no[[data-msys-clicktrack=\"0\"]]\r\n";
    assert_eq!(sandbox.run(&format!("rewrite {SETTINGS}"), message).ok(), message);
    let tracked = |output: &str| {
        let (header, body) = output.split_once("\r\n\r\n").expect("a blank line");
        assert_eq!(Some(header), message.split("\r\n\r\n").next());
        assert!(body.starts_with("Shop: https://t.example.com/I"), "{body}");
        assert!(body.ends_with(".\r\nhttps://shop.example/no\r\n"), "{body}");
    };
    tracked(&sandbox.run(&format!("rewrite {SETTINGS} --text-links"), message).ok());
    let mut command = sandbox.command(format!("rewrite {SETTINGS}").split(' '));
    command.env("OPENCLICK_TEXT_LINKS", "true");
    tracked(&run(command, message).ok());
    sandbox.write("o.toml", "text-links = true\n");
    tracked(&sandbox.run(&format!("rewrite {SETTINGS} --config o.toml"), message).ok());
    let flag = format!("rewrite {SETTINGS} --config o.toml --text-links=false");
    assert_eq!(sandbox.run(&flag, message).ok(), message);
    sandbox.write("o.toml", "[[stream]]\nmatch.virtual-mta = \"news-*\"\ntext-links = true\n");
    tracked(&sandbox.run(&format!("rewrite {SETTINGS} --config o.toml"), message).ok());
}
