//! `--resume`: nothing is lost, nothing is done twice, and the report is true.

use super::*;

#[test]
fn a_run_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.folder("in");
    (1..=4).for_each(|number| sandbox.write(&format!("in/{number}.eml"), message(number)));
    sandbox.write("in/box", format!("{DATE}\n{}\n", message(5)));
    assert_eq!(sandbox.batch("--quiet in --report r.jsonl").code, Some(0));
    let whole = sandbox.read("out/in/3.eml");
    sandbox
        .batch("in")
        .fails(73, "openclick: rewrite: out/in/1.eml is there already; --resume skips what is done");
    for name in ["1.eml", "box"] {
        fs::remove_file(sandbox.path("out/in").join(name)).unwrap();
    }
    sandbox.write("out/in/2.eml", "kept");
    let run = sandbox.batch("--resume in --report r.jsonl");
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(run.err, @r"
    files         5
      skipped     3  (their output is there)
    messages      2
      rewritten   2
      unchanged   0
      failed      0
    ");
    assert_eq!(sandbox.read("out/in/1.eml"), sandbox.alone(&message(1)));
    assert_eq!((sandbox.read("out/in/2.eml").as_str(), sandbox.read("out/in/3.eml")), ("kept", whole));
    // The report of both runs.
    let lines = sandbox.lines("r.jsonl");
    let skipped = lines.iter().filter(|line| line["skipped"] == true).count();
    let taken_back: Vec<_> = lines.iter().filter_map(|line| line["error"].as_str()).collect();
    assert_eq!((lines.len(), skipped), (5 + 3 + 2 + 2, 3));
    assert_eq!(taken_back, ["its output is not there: a run was stopped before, or it was taken away"; 2]);
    // What has the place of an output and is none.
    fs::remove_file(sandbox.path("out/in/4.eml")).unwrap();
    sandbox.folder("out/in/4.eml");
    sandbox.batch("--resume in").fails(73, "openclick: rewrite: out/in/4.eml is there and no file");
}

/// What a run that was killed leaves in a report: a torn line, and lines of what has no output.
#[test]
fn a_report_goes_on_behind_a_torn_line() {
    let sandbox = Sandbox::new();
    sandbox.folder("in");
    sandbox.write("in/1.html", HTML);
    sandbox.write("in/2.html", HTML);
    sandbox.write("in/box", format!("{DATE}\n{}\n{DATE}\n{}\n", message(3), message(4)));
    assert_eq!(sandbox.batch("--quiet in --report r.jsonl").ok(), "");
    let whole = sandbox.read("r.jsonl");
    let line = |file: &str| whole.lines().find(|line| line.contains(&format!("{file:?}"))).unwrap();
    // A box is told in the order of its messages, all else in any.
    let earlier = [line("in/1.html"), line("in/2.html"), line("in/box")].join("\n");
    for torn in ["", "\n{\"file\":\"in/box\",\"numb", "\n\0\0\0"] {
        fs::remove_file(sandbox.path("out/in/2.html")).unwrap();
        fs::remove_file(sandbox.path("out/in/box")).unwrap();
        sandbox.write("r.jsonl", format!("{earlier}{torn}"));
        // However the files are named.
        assert_eq!(sandbox.batch("--resume --quiet ./in --report r.jsonl").ok(), "");
        let text = sandbox.read("r.jsonl");
        assert!(text.starts_with(&format!("{earlier}\n")), "{text}");
        let behind = text[earlier.len() + 1..].lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let word = [&line["status"], &line["error"], &line["skipped"]].map(ToString::to_string);
            format!("{} {} {}", line["file"].as_str().unwrap(), line["number"], word.join(" "))
        });
        let mut behind: Vec<_> = behind.collect();
        behind[3..].sort();
        let not_there = "\"its output is not there: a run was stopped before, or it was taken away\"";
        let expected = format!(
            "in/2.html {not_there}\nin/box {not_there}\n./in/1.html true\n./in/2.html 1 \"rewritten\"\n\
             ./in/box 1 \"rewritten\"\n./in/box 2 \"rewritten\""
        );
        assert_eq!(behind.join("\n").replace(" null", ""), expected);
        let ids = sandbox.ids("r.jsonl");
        assert_eq!(ids[&("in/1.html".to_owned(), 1)], sandbox.id_in("out/in/1.html"));
        assert_eq!(ids[&("./in/2.html".to_owned(), 1)], sandbox.id_in("out/in/2.html"));
        assert_eq!(ids.len(), 4, "{ids:?}");
    }
}

#[test]
fn a_report_has_one_run() {
    let sandbox = Sandbox::new();
    sandbox.write("a.eml", message(1));
    sandbox.write("r.jsonl", "{\"file\":\"a.eml\",\"number\":1}\n");
    let report = fs::File::open(sandbox.path("r.jsonl")).unwrap();
    report.lock().unwrap();
    for more in ["", "--resume"] {
        sandbox
            .batch(&format!("{more} a.eml --report r.jsonl"))
            .fails(73, "openclick: rewrite: cannot create r.jsonl: another run writes it");
    }
    assert_eq!(sandbox.read("r.jsonl"), "{\"file\":\"a.eml\",\"number\":1}\n");
    drop(report);
    // A new run has a new report.
    assert_eq!(sandbox.batch("--quiet a.eml --report r.jsonl").ok(), "");
    assert_eq!(sandbox.lines("r.jsonl").len(), 1);
    assert_eq!(sandbox.lines("r.jsonl")[0]["status"], "rewritten");
}

/// Two runs at once: each file is the output of one, and only that one's report has it.
#[test]
fn two_runs_lose_nothing() {
    let sandbox = Sandbox::new();
    sandbox.folder("in");
    let count = 200;
    (0..count).for_each(|number| sandbox.write(&format!("in/{number}.html"), HTML));
    let line = |report| format!("rewrite {SETTINGS} --quiet --out-dir out in --report {report}");
    let children = ["a", "b"].map(|report| sandbox.command(line(report).split(' ')).spawn().unwrap());
    let ended = children.map(|child| child.wait_with_output().unwrap());
    let codes = ended.each_ref().map(|ended| ended.status.code());
    let errors = ended.map(|ended| String::from_utf8(ended.stderr).unwrap());
    assert_eq!(sandbox.tree("out").len(), count);
    // One may have been so late that it found everything done.
    let reports: Vec<_> = ["a", "b"].into_iter().filter(|name| sandbox.path(name).exists()).collect();
    let ids = reports.iter().flat_map(|name| sandbox.ids(name)).collect::<Vec<_>>();
    assert_eq!(ids.len(), count, "{codes:?} {errors:?}");
    for ((file, _), id) in &ids {
        assert_eq!(*id, sandbox.id_in(&format!("out/{file}")), "{codes:?} {errors:?}");
    }
    assert_ne!(codes, [Some(0); 2]);
    let is_known =
        |error: &str| error.contains("it is there already") || error.contains("is there already; --resume");
    assert!(errors.iter().flat_map(|errors| errors.lines()).all(is_known), "{errors:?}");
}

/// Hidden files, where the system has none without a name, stay if their process is killed.
#[test]
fn what_is_unfinished_is_no_mail() {
    let sandbox = Sandbox::new();
    sandbox.folder("in/cur");
    sandbox.folder("in/new");
    sandbox.folder("in/tmp");
    sandbox.write("in/cur/1", message(1));
    sandbox.write("in/cur/.openclick-Ab12Cd", "half");
    sandbox.folder("other");
    sandbox.write("other/2.eml", message(2));
    sandbox.write("other/.openclick-mail", message(3));
    let run = sandbox.batch("in other");
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(run.err, @r"
    openclick: rewrite: in/cur/.openclick-Ab12Cd: left out: an output of openclick that was not finished
    files         4
      left out    1  (no mail)
    messages      3
      rewritten   3
      unchanged   0
      failed      0
    ");
    assert_eq!(sandbox.tree("out"), ["in/cur/1", "other/.openclick-mail", "other/2.eml"]);
    // In the output they go when a run goes on, but for those that somebody writes.
    let left = ["out/.openclick-111111", "out/in/cur/.openclick-222222", "out/other/.openclick-333333"];
    left.iter().for_each(|name| sandbox.write(name, "half"));
    sandbox.write("out/other/.openclick-444444", "half");
    let written = fs::File::open(sandbox.path("out/other/.openclick-444444")).unwrap();
    written.lock().unwrap();
    assert_eq!(sandbox.batch("--resume --quiet in other").ok(), "");
    assert_eq!(
        sandbox.tree("out"),
        ["in/cur/1", "other/.openclick-444444", "other/.openclick-mail", "other/2.eml"]
    );
    drop(written);
}

/// Two mails of a Maildir with one unique name: it cannot tell which of them is done.
#[test]
fn mails_that_share_a_name_are_not_taken_for_each_other() {
    let sandbox = Sandbox::new();
    for folder in ["cur", "new", "tmp"] {
        sandbox.folder(&format!("Mail/{folder}"));
    }
    let mails = ["cur/5.d:2,S", "cur/6.d:2,S", "new/5.d"];
    for (mail, number) in mails.iter().zip(1..) {
        sandbox.write(&format!("Mail/{mail}"), message(number));
    }
    assert_eq!(sandbox.batch("--quiet Mail").ok(), "");
    for missing in [mails[0], mails[2]] {
        fs::remove_file(sandbox.path("out/Mail").join(missing)).unwrap();
        // The flags of the one that shares its name with none do not matter.
        fs::rename(sandbox.path("Mail/cur/6.d:2,S"), sandbox.path("Mail/cur/6.d:2,RS")).unwrap();
        let run = sandbox.batch("--resume Mail");
        fs::rename(sandbox.path("Mail/cur/6.d:2,RS"), sandbox.path("Mail/cur/6.d:2,S")).unwrap();
        assert_eq!(run.code, Some(0));
        assert!(run.err.contains("skipped     2 ") && run.err.contains("rewritten   1\n"), "{}", run.err);
        assert_eq!(sandbox.tree("out/Mail"), mails);
    }
    assert_eq!(sandbox.read("out/Mail/new/5.d"), sandbox.alone(&message(3)));
    assert_eq!(sandbox.read("out/Mail/cur/5.d:2,S"), sandbox.alone(&message(1)));
}
